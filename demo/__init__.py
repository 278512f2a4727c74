"""Makes sample data, starts everything on a laptop and shows the seller's morning."""
