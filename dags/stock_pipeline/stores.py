"""The eBay stores; a module of its own because DAG files name them, and may import nothing heavy."""

STORES = (
    "AMS", "AST", "CPO_FPS", "CPO_RTG", "CPO_UKD", "DPW", "GCP", "MFD",
    "OR", "PG", "PV", "RTG_FPS", "RTG_RTG", "RTG_UKD", "RTG_UMD", "SJR",
)  # fmt: skip
"""The eBay stores: the values of the partition key `ebay_store`."""
