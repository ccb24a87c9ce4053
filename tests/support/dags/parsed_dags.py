"""Parse the DAG files as Airflow's DAG processor does, and print the result as JSON.

It runs as a program, so that imports of parsing can be separated from those of the tests.
"""

import json
import sys
from typing import Any

from airflow.dag_processing.dagbag import DagBag


def on_failure(task: Any) -> list[str]:
    """Return the names of the callbacks; a task that is mapped by itself has one function instead of a list."""
    calls = getattr(task, "partial_kwargs", vars(task)).get("on_failure_callback") or []
    return [f"{call.__module__}.{call.__name__}" for call in (calls if isinstance(calls, list) else [calls])]


def describe(dag: Any) -> dict[str, Any]:
    params = {name: dag.params.get_param(name) for name in dag.params}
    return {
        "doc_md": dag.doc_md,
        "starts_paused": bool(dag.is_paused_upon_creation),
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "timetable": [
            type(dag.timetable).__name__,
            getattr(dag.timetable, "_expression", None) or getattr(dag.timetable, "expression", None),
            str(zone)
            if (zone := getattr(dag.timetable, "_timezone", None) or getattr(dag.timetable, "timezone", None))
            else None,
        ],
        "schedule": dag.schedule if isinstance(dag.schedule, str) else None,
        "assets": [asset.name for asset in dag.schedule] if isinstance(dag.schedule, list) else [],
        "params": {name: {**param.schema, "description": param.description} for name, param in params.items()},
        "tasks": {
            task.task_id: {
                "type": task.task_type,
                "pool": task.pool,
                "owner": task.owner,
                "on_failure": on_failure(task),
                "retries": task.retries,
                "timeout": task.execution_timeout.total_seconds() if task.execution_timeout else None,
                "trigger_rule": str(task.trigger_rule.value),
                "is_teardown": task.is_teardown,
                "outlets": [asset.name for asset in task.outlets],
                "upstream": sorted(task.upstream_task_ids),
                "arguments": [part if isinstance(part, str) else "(mapped)" for part in given]
                if (given := getattr(task, "arguments", None)) is not None
                else None,
                # Of a mapped task it stands among what its copies share.
                "final_errors": bool(getattr(task, "partial_kwargs", vars(task)).get("final_errors")),
            }
            for task in dag.tasks
        },
    }


if __name__ == "__main__":
    bag = DagBag(dag_folder=sys.argv[1])
    result = {
        "dags": {dag_id: describe(dag) for dag_id, dag in bag.dags.items()},
        "errors": bag.import_errors,
        "modules": sorted({name.partition(".")[0] for name in sys.modules}),
    }
    print("\n" + json.dumps(result))
