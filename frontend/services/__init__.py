"""What the pages stand on, without Streamlit: settings, AWS, Airflow, reports, live state, file checks."""
