"""The table `ebay`, the files for eBay, and putting both back."""
