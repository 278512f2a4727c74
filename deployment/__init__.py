"""Builds what Amazon MWAA takes and brings it there."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
