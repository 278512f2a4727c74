# Airflow with what the DAGs need, for docker-compose.yaml. The code is mounted, not copied.
FROM apache/airflow:3.3.1-python3.12
COPY requirements.txt /requirements.txt
RUN pip install --no-cache-dir "apache-airflow==${AIRFLOW_VERSION}" --requirement /requirements.txt
