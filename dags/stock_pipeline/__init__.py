"""Supplier stock feeds to eBay quantities: the domain, in plain Python that knows nothing of Airflow.

AWS clients, the bucket and the date always come in as arguments, so every function runs the same in a
task, in a test and at a prompt.
"""
