"""The pipeline at the command line, without Airflow and AWS: judge a feed, read a list."""
