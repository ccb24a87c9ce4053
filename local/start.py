"""`make demo`: from nothing, or from whatever is still valid, to a service that answers."""

from collections.abc import Callable, Sequence

from local.airflow.api import AirflowApi
from local.airflow.stack import USER, Airflow
from local.airflow.timing import GIB, MemoryWatch, Stages
from local.build.build import FEATURES_DAG, FEEDBACK_DAG, MODEL_DAG, UNDER_WAY, Builder
from local.build.dbt_manifest import write_manifest
from local.build.fingerprint import Record, files_hash, wanted
from local.errors import LandingMissingError, SettingsChangedError
from local.processes import Programs
from local.service import Service, three_customers
from local.summary import answers, places
from orchestration.pools import SLOTS
from retention.policy import load_policy
from retention.space import need_of_a_run, require_space
from settings import ROOT, Settings


def up(settings: Settings, as_of: str | None, force: bool, say: Callable[[str], None]) -> None:
    """Bring everything up and show it.

    Args:
        as_of: the day, as YYYY-MM-DD; None is the end of the data.
        force: build and train anew even if nothing has changed.
        say: prints one line.

    Raises:
        DemoError: something did not work; the message says what and what to do.
    """
    if settings.landing and not settings.landing.is_dir():
        raise LandingMissingError(
            f"REACH_LANDING is {settings.landing}, and there is no such folder. Set it to the folder with your tables "
            "(docs/bring-your-own-data.md), or unset it for the demo's data."
        )
    settings.data.mkdir(parents=True, exist_ok=True)
    stages, record = Stages(), Record(settings)
    programs = Programs(settings.data)
    airflow, service = Airflow(settings, programs, say), Service(settings, programs)
    service.require_key()
    with MemoryWatch(settings.data) as watch:
        with stages.stage("look at what is there"):
            sought = wanted(settings, as_of)
            if force or not record.run_of(sought.model):
                require_space(settings.data, need_of_a_run(settings, load_policy()))
        with stages.stage("start Airflow"):
            api = _start_airflow(settings, airflow, say)
        run_id = Builder(api, airflow, record, stages, say).build(sought, as_of, force)
        _say_verdict(record, run_id, say)
        if record.champion():
            _ask(settings, service, record, stages, say)
        else:
            say("Nothing serves yet: no version has passed the gate, so there is no one to ask.")
    for line in places(settings, airflow.url, USER, airflow.password, service.url):
        say(line)
    say("\nTime")
    for line in stages.lines():
        say(line)
    say(f"Memory of all processes together, at most: {watch.peak / GIB:.2f} GiB")


def _say_verdict(record: Record, run_id: str, say: Callable[[str], None]) -> None:
    passed, reasons = record.verdict(run_id)
    say(f"\nThe gate {'let run ' + run_id + ' through' if passed else 'kept what was there; run ' + run_id}:")
    for reason in reasons:
        say(f"  - {reason}")
    say(f"Serving: {record.champion() or 'nothing'}")


def _ask(settings: Settings, service: Service, record: Record, stages: Stages, say: Callable[[str], None]) -> None:
    with stages.stage("start the service"):
        code = files_hash([ROOT / room for room in ("serving", "scoring", "features")] + [ROOT / "settings.py"])
        changed = service.changed_settings()
        if changed:
            say(f"Service: restarting, because {'; '.join(changed)}")
        started = service.start(fresh=bool(changed) or record.service_code() not in (None, code))
        service.wait_until_ready()
        record.keep_service(code)
        say(f"Service: {'started' if started else 'runs already'}, ready at {service.url}")
    with stages.stage("ask for three customers"):
        for habit, customer_id in three_customers(settings).items():
            for line in answers(service, habit, customer_id):
                say(line)


def _start_airflow(settings: Settings, airflow: Airflow, say: Callable[[str], None]) -> AirflowApi:
    """Start what of it does not run, and wait until it has read the DAGs as they are now."""
    described = write_manifest(settings)
    api = AirflowApi(airflow.url, USER, airflow.password)
    if changed := airflow.changed_settings():
        require_idle(api, changed)
        say(f"Airflow: restarting, because {'; '.join(changed)}")
        airflow.stop()
    started = airflow.start()
    if started:
        say(f"Airflow: starting {', '.join(started)} …")
    airflow.wait_until_healthy(api.health)
    api.set_pools(SLOTS)
    newest = max(file.stat().st_mtime for name in ("dags", "orchestration") for file in (ROOT / name).glob("*.py"))
    manifest = (settings.paths.dbt_target / "manifest.json").stat().st_mtime
    for dag_id in (FEATURES_DAG, MODEL_DAG, FEEDBACK_DAG):
        api.wait_for_dag(dag_id, parsed_after=max(newest, manifest))
        api.unpause(dag_id)
    say(f"Airflow: {'started' if started else 'runs already'}, {airflow.url}")
    if described:
        say("dbt: manifest written")
    return api


def require_idle(api: AirflowApi, changed: Sequence[str]) -> None:
    """Raises SettingsChangedError if a run is under way in the Airflow that has to be restarted."""
    if api.health() is None:
        return
    for dag_id in (FEATURES_DAG, MODEL_DAG):
        active = [str(run["dag_run_id"]) for run in api.runs(dag_id) if run["state"] in UNDER_WAY]
        if active:
            raise SettingsChangedError(
                f"Airflow runs with other settings: {'; '.join(changed)}. The run {active[0]} of {dag_id} is under way "
                "with them. Wait for its end, or stop it by 'make down'; then run 'make demo' again."
            )
