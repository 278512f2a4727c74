"""Runs the command line."""

from local_aws.cli import app

app(prog_name="python -m local_aws")
