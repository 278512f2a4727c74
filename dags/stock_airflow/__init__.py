"""What the DAG files are wired from; nothing outside dags/ imports it."""
