"""What all tasks of all DAGs share."""

from datetime import timedelta
from typing import Any

from dags import _pools
from dags._alerts import on_failure

OWNER = "reach"


def defaults(timeout: timedelta) -> dict[str, Any]:
    """`default_args` of a DAG whose tasks end within `timeout`."""
    return {
        "owner": OWNER,
        "pool": _pools.DATA,
        "retries": 2,
        "retry_delay": timedelta(seconds=15),
        "execution_timeout": timeout,
        "on_failure_callback": on_failure,
    }
