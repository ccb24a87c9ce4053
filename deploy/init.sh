#!/usr/bin/env bash
# Prepares what Airflow's processes need before they start; safe to repeat at every deployment.
set -euo pipefail

airflow db migrate
# What is older than the policy allows (retention/policy.toml). Events of assets stay: a retraining looks them up.
before=$(python -m retention airflow-before)
airflow db clean --clean-before-timestamp "$before" --skip-archive --yes \
    --tables dag_run,task_instance,task_instance_history,xcom,log,job

# Without its pool a task waits for ever.
pools=$(mktemp)
python -c '
import json
from orchestration.pools import SLOTS
description = "Reach: see orchestration/pools.py"
print(json.dumps({name: {"slots": n, "description": description} for name, n in SLOTS.items()}))
' > "$pools"
airflow pools import "$pools"

# The login, read by Airflow from a file; only its owner may read it.
umask 077
python -c '
import json, os
print(json.dumps({"admin": os.environ["AIRFLOW_ADMIN_PASSWORD"]}))
' > "$AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"
umask 022

# The models, from which the DAG processor draws their tasks. It has not started yet.
mkdir -p "$REACH_DATA/warehouse" "$REACH_DATA/dbt"
dbt parse --project-dir dbt --profiles-dir dbt --target-path "$REACH_DATA/dbt" --log-path "$REACH_DATA/dbt/logs"
