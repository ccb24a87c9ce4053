# Airflow's own processes: API server, scheduler, DAG processor, triggerer, and what prepares them.
# They read DAGs and hand out tasks; no model code and no TensorFlow comes near the scheduler.
FROM python:3.12-slim

RUN pip install --no-cache-dir "uv>=0.9,<1"
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-cache --no-default-groups --group cluster

COPY settings.py ./
COPY core core
COPY dags dags
COPY orchestration orchestration
COPY retention retention
COPY dbt dbt
COPY deploy/init.sh deploy/init.sh

ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app AIRFLOW_HOME=/airflow REACH_DATA=/data DO_NOT_TRACK=1
RUN useradd --uid 50000 reach && mkdir /airflow /data && chown reach /airflow /data
USER reach
CMD ["airflow", "version"]
