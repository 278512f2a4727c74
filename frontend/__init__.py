"""The page for operations staff: upload, today, start and release. Streamlit, without Airflow in it."""
