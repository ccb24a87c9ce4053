"""`make demo`: from nothing, or from whatever is still valid, to a service that answers."""

import time
from collections.abc import Callable
from contextlib import ExitStack

from dags._pools import SLOTS
from demo.airflow import USER, Airflow
from demo.api import AirflowApi, epoch
from demo.content import Record, Wanted, files_hash, wanted
from demo.dbt import write_manifest
from demo.follow import follow
from demo.processes import Programs
from demo.service import Service, three_customers
from demo.show import answers, places
from demo.timing import GIB, MemoryWatch, Stages
from settings import ROOT, Settings

FEATURES_DAG = "build_features"
MODEL_DAG = "retrain_recommender"


def up(settings: Settings, as_of: str | None, force: bool, say: Callable[[str], None]) -> None:
    """Bring everything up and show it.

    Args:
        as_of: the day, as YYYY-MM-DD; None is the end of the data.
        force: build and train anew even if nothing has changed.
        say: prints one line.

    Raises:
        DemoError: something did not work; the message says what and what to do.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    stages, record = Stages(), Record(settings)
    programs = Programs(settings.data)
    airflow, service = Airflow(settings, programs), Service(settings, programs)
    with ExitStack() as stack:
        watch = stack.enter_context(MemoryWatch(settings.data))
        with stages.stage("look at what is there"):
            sought = wanted(settings, as_of)
        api = _start_airflow(settings, airflow, stages, say)
        _build(api, airflow, record, sought, as_of, force, stages, say)
        with stages.stage("start the service"):
            code = files_hash([ROOT / room for room in ("serving", "scoring")] + [ROOT / "settings.py"])
            started = service.start(fresh=record.service_code() not in (None, code))
            service.wait_until_ready()
            record.keep_service(code)
            say(f"Service: {'started' if started else 'runs already'}, ready at {service.url}")
        with stages.stage("ask for three customers"):
            for habit, customer_id in three_customers(settings).items():
                for line in answers(service, habit, customer_id):
                    say(line)
    for line in places(settings, airflow.url, USER, airflow.password, service.url):
        say(line)
    say("\nTime")
    for line in stages.lines():
        say(line)
    say(f"Memory of all processes together, at most: {watch.peak / GIB:.2f} GiB")


def _start_airflow(settings: Settings, airflow: Airflow, stages: Stages, say: Callable[[str], None]) -> AirflowApi:
    with stages.stage("start Airflow"):
        api = AirflowApi(airflow.url, USER, airflow.password)
        described = write_manifest(settings)
        started = airflow.start()
        if started:
            say(f"Airflow: starting {', '.join(started)} …")
        airflow.wait_until_healthy(api.health)
        api.set_pools(SLOTS)
        newest = max(f.stat().st_mtime for f in (ROOT / "dags").glob("*.py"))
        manifest = (settings.paths.dbt_target / "manifest.json").stat().st_mtime
        for dag_id in (FEATURES_DAG, MODEL_DAG):
            api.wait_for_dag(dag_id, parsed_after=max(newest, manifest))
            api.unpause(dag_id)
        say(f"Airflow: {'started' if started else 'runs already'}, {airflow.url}")
        if described:
            say("dbt: manifest written")
    return api


def _build(
    api: AirflowApi,
    airflow: Airflow,
    record: Record,
    sought: Wanted,
    as_of: str | None,
    force: bool,
    stages: Stages,
    say: Callable[[str], None],
) -> None:
    """Run what is not valid any more, through the scheduler."""
    began = time.time()
    if not force and record.has_features(sought.features):
        say("Features: the published ones were made of the same data, settings and code; used again")
        if run_id := record.run_of(sought.model):
            say(f"Model: run {run_id} was made of the same; used again (FORCE=1 makes it anew)")
            return
        run = api.trigger(MODEL_DAG, {"reason": "make demo"})
    else:
        with stages.stage(FEATURES_DAG):
            run = api.trigger(FEATURES_DAG, {"as_of": as_of} if as_of else {})
            say(f"{FEATURES_DAG}: run {run}")
            follow(api, FEATURES_DAG, run, say, airflow.require_running)
            record.keep_features(sought.features)
        with stages.stage("hand over"):
            run = _started_by_asset(api, airflow, began)
    with stages.stage(MODEL_DAG):
        say(f"{MODEL_DAG}: run {run}")
        follow(api, MODEL_DAG, run, say, airflow.require_running)
        record.keep_run(sought.model, api.result(MODEL_DAG, run, "begin")["run_id"])


def _started_by_asset(api: AirflowApi, airflow: Airflow, since: float) -> str:
    """The run that the published features have started, or will in a moment: never a second one."""
    while True:
        airflow.require_running()
        for run in api.runs(MODEL_DAG):
            if run["run_type"] == "asset_triggered" and epoch(run["queued_at"]) >= since:
                return str(run["dag_run_id"])
        time.sleep(1)
