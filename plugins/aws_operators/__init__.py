"""Airflow operators and sensors for AWS that the amazon provider lacks. They know nothing of the domain."""
