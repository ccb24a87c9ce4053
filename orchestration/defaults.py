"""Define the defaults of all tasks of all DAGs."""

from datetime import timedelta
from typing import Any

from orchestration import pools
from orchestration.alerts import on_failure

OWNER = "reach"


def defaults(timeout: timedelta) -> dict[str, Any]:
    """`default_args` of a DAG whose tasks end within `timeout`."""
    return {
        "owner": OWNER,
        "pool": pools.DATA,
        "retries": 2,
        "retry_delay": timedelta(seconds=15),
        "execution_timeout": timeout,
        "on_failure_callback": on_failure,
    }
