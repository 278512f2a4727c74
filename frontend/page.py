"""The script that Streamlit runs for each session; `app.py` serves it."""

import streamlit as st

from frontend import guard, shell

if guard.stands():
    shell.draw()
else:
    st.error("This page is started with `streamlit run frontend/app.py`: nothing guards it like this.")
