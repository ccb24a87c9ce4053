# The worker: it runs the steps, so it carries every room they are in, and TensorFlow.
FROM python:3.12-slim

# TensorFlow's and ONNX Runtime's wheels expect OpenMP's runtime on the machine.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir "uv>=0.9,<1"
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-cache --no-default-groups \
    --group cluster --group landing --group quality --group features --group training --group registry \
    --group campaigns --group console --group kafka --group ann

COPY settings.py products.py ./
COPY dags dags
COPY orchestration orchestration
COPY core core
COPY customer_scores customer_scores
COPY experiments experiments
COPY outbox outbox
COPY marketing marketing
COPY online_experiments online_experiments
COPY events events
COPY landing landing
COPY dbt dbt
COPY quality quality
COPY pages pages
COPY retention retention
COPY monitoring monitoring
COPY features features
COPY feature_repo feature_repo
COPY feature_store feature_store
COPY scoring scoring
COPY ml ml
COPY registry registry
COPY console console

ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app AIRFLOW_HOME=/airflow REACH_DATA=/data DO_NOT_TRACK=1
RUN useradd --uid 50000 reach && mkdir /airflow /data && chown reach /airflow /data
USER reach
CMD ["airflow", "celery", "worker", "--skip-serve-logs"]
