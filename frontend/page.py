"""The script that Streamlit runs for each session; `app.py` serves it."""

import streamlit as st

from frontend import layout
from frontend.shell import guard

if guard.is_in_place():
    layout.draw()
else:
    st.error("This page is started with `streamlit run frontend/app.py`: nothing guards it like this.")
