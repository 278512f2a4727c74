"""The page *Files for eBay*."""
