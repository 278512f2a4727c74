"""Makes sample data, starts everything on a laptop and shows the seller's morning."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

# Airflow puts these two on the path itself; without it `python -m demo...` has to.
for _folder in ("plugins", "dags"):
    _path = str(REPOSITORY / _folder)
    if _path not in sys.path:
        sys.path.insert(0, _path)
