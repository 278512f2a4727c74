"""What Streamlit runs: `streamlit run frontend/app.py`. Puts the code on the path and draws the page."""

import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

# pyarrow 25's own allocator takes the server down if pyarrow is first loaded in a thread that ends, which is
# what every script run of Streamlit is (apache/arrow#50471). It is read when pyarrow is loaded.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

# Streamlit puts only this folder on the path. The pipeline's own code lies in dags/.
for folder in ("dags", "."):
    path = str((REPOSITORY / folder).resolve())
    if path not in sys.path:
        sys.path.insert(0, path)

from frontend import shell  # noqa: E402 - the path has to be there first

shell.draw()
