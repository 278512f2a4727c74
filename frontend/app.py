"""The page's server, started with `streamlit run frontend/app.py`.

Puts the code on the path and the guard before Streamlit. What cannot be guarded does not start: the settings
and sign-in are read first.
"""

import os
import sys
from pathlib import Path

from starlette.middleware import Middleware
from streamlit.starlette import App

FOLDER = Path(__file__).resolve().parent

# pyarrow 25's own allocator takes the server down if pyarrow is first loaded in a thread that ends, which is
# what every script run of Streamlit is (apache/arrow#50471). It is read when pyarrow is loaded.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

# Streamlit puts only this folder on the path. The pipeline's own code is in dags/.
for place in (FOLDER.parent / "dags", FOLDER.parent):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

from frontend.shell.guard import Guard, rules  # noqa: E402 - the path has to be there first

app = App(FOLDER / "page.py", middleware=[Middleware(Guard, rules())])
