"""What the Python tasks of each DAG call."""
