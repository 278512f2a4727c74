"""What the pages share that does not draw: AWS, Airflow, who is signed in."""
