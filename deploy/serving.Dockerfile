# The recommendation service: the scoring path and the online store's client, nothing to train with.
FROM python:3.12-slim

# ONNX Runtime's wheels expect OpenMP's runtime on the machine.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir "uv>=0.9,<1"
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-cache --no-default-groups --group serving --group campaigns --group kafka --group ann

COPY settings.py products.py ./
COPY core core
COPY customer_scores customer_scores
COPY experiments experiments
COPY events events
COPY features features
COPY scoring scoring
COPY feature_repo feature_repo
COPY feature_store feature_store
COPY outbox outbox
COPY marketing marketing
COPY online_experiments online_experiments
COPY registry registry
COPY serving serving

ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app REACH_DATA=/data DO_NOT_TRACK=1
RUN useradd --uid 50000 reach && mkdir /data && chown reach /data
USER reach
CMD ["python", "-m", "serving", "--host", "0.0.0.0"]
