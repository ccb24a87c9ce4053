"""`make demo`: build what is not valid, and start Airflow and the service."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from local.airflow.api import AirflowApi
from local.airflow.stack import USER, Airflow
from local.airflow.timing import GIB, MemoryWatch, Stages
from local.build.build import (
    ACTIVE_STATES,
    CAMPAIGN_DAGS,
    FEATURES_DAG,
    FEEDBACK_DAG,
    MODEL_DAG,
    SCORES_DAG,
    Builder,
)
from local.build.dbt_manifest import write_manifest
from local.build.fingerprint import BuildCache, build_inputs, files_hash
from local.console import Console
from local.demo.campaign import Trial, campaign_lines, missing_scores, prepare_campaign
from local.demo.mail_settings import with_demo_mail
from local.demo.mail_sink import MailSink
from local.errors import LandingMissingError, SettingsChangedError
from local.processes import Programs
from local.service import Service, sample_customers
from local.summary import customer_lists, left_out, links, result_table
from orchestration.pools import SLOTS
from retention.policy import load_policy
from retention.space import need_of_a_run, require_space
from settings import ROOT, Settings

SERVICE_CODE = (
    *("core", "events", "features", "feature_store", "scoring", "customer_scores", "marketing", "outbox", "registry"),
    "serving",
)
"""Packages of the service; a change of one restarts it."""


def start(settings: Settings, as_of: str | None, force: bool, echo: Callable[[str], None]) -> None:
    """Start the stack, build what is not valid, and show the result.

    Args:
        settings: settings of the installation.
        as_of: the day, as YYYY-MM-DD; None is the end of the data.
        force: build and train again even if nothing has changed.
        echo: prints one line.

    Raises:
        DemoError: a step failed; the message gives the reason and the next step.
    """
    if settings.landing and not settings.landing.is_dir():
        raise LandingMissingError(
            f"REACH_LANDING is {settings.landing}, which is not a folder. Set it to the folder with your tables "
            "(docs/bring-your-own-data.md), or unset it for the demo's data."
        )
    settings.data.mkdir(parents=True, exist_ok=True)
    settings = with_demo_mail(settings)
    stages, cache = Stages(settings.data), BuildCache(settings)
    programs = Programs(settings.data)
    airflow, service = Airflow(settings, programs, echo), Service(settings, programs)
    service.require_key()
    if settings.of_mail_sink:
        MailSink(settings, programs).start()
    with MemoryWatch(settings.data) as watch, ThreadPoolExecutor(1) as background:
        with stages.stage("look at what is there"):
            inputs = build_inputs(settings, as_of)
            if force or not cache.run_of(inputs.model):
                require_space(settings.data, need_of_a_run(settings, load_policy()))
        with stages.stage("start Airflow"):
            api = _start_airflow(settings, airflow, echo)
        builder = Builder(api, airflow, cache, stages, echo)
        run_id = builder.build(inputs, as_of, force)
        builder.build_scores(inputs)
        _echo_verdict(cache, run_id, echo)
        for line in result_table(settings.paths.runs / run_id / "gate.json"):
            echo(line)
        offers = settings.of_mail_sink and settings.campaigns is None and cache.champion()
        # Its lists take half a minute of one core, which need neither the service nor the console.
        missing = missing_scores(settings)
        trial = background.submit(prepare_campaign, settings) if offers and not missing else None
        if cache.champion():
            _query_service(settings, service, cache, stages, echo)
        else:
            echo("Nothing serves yet: no version has passed the gate, so there is no one to ask.")
        console = _start_console(settings, programs, stages, echo)
        for line in links(settings, airflow.url, USER, airflow.password, service.url, console):
            echo(line)
        if offers:
            _offer_campaign(settings, programs, trial or missing, stages, console, echo)
    for line in left_out(settings):
        echo(line)
    echo("\nTime")
    for line in stages.lines():
        echo(line)
    echo(f"Memory of all processes together, at most: {watch.peak / GIB:.2f} GiB")


def _echo_verdict(cache: BuildCache, run_id: str, echo: Callable[[str], None]) -> None:
    passed, reasons = cache.verdict(run_id)
    echo(f"\nThe gate {'let run ' + run_id + ' through' if passed else 'kept what was there; run ' + run_id}:")
    for reason in reasons:
        echo(f"  - {reason}")
    echo(f"Serving: {cache.champion() or 'nothing'}")


def _query_service(
    settings: Settings, service: Service, cache: BuildCache, stages: Stages, echo: Callable[[str], None]
) -> None:
    with stages.stage("start the service"):
        code = files_hash([ROOT / package for package in SERVICE_CODE] + [ROOT / "settings.py"])
        changed = service.changed_settings()
        if changed:
            echo(f"Service: restarting, because {'; '.join(changed)}")
        started = service.start(fresh=bool(changed) or cache.service_code() not in (None, code))
        service.wait_until_ready()
        cache.save_service_code(code)
        echo(f"Service: {'started' if started else 'runs already'}, ready at {service.url}")
    with stages.stage("ask for three customers"):
        for habit, customer_id in sample_customers(settings).items():
            for line in customer_lists(service, habit, customer_id):
                echo(line)


def _start_console(settings: Settings, programs: Programs, stages: Stages, echo: Callable[[str], None]) -> Console:
    console = Console(settings, programs)
    with stages.stage("start the console"):
        # It starts within seconds and serves no customers, so it always gets the present code.
        console.start(fresh=True)
        console.wait_until_ready()
        echo(f"Console: ready at {console.url}")
    return console


def _offer_campaign(
    settings: Settings,
    programs: Programs,
    trial: Future[Trial] | list[str],
    stages: Stages,
    console: Console,
    echo: Callable[[str], None],
) -> None:
    """Wait for the demo's campaign, and show what a launch would do; or name the scores that it lacks."""
    sink = MailSink(settings, programs)
    sink.wait_until_ready()
    if isinstance(trial, list):
        echo(f"\nNo campaign was prepared, because no {' and no '.join(trial)} of customers are published.")
        return
    with stages.stage("prepare a campaign"):
        prepared = trial.result()
    for line in campaign_lines(prepared, sink.url, console.url):
        echo(line)


def _start_airflow(settings: Settings, airflow: Airflow, echo: Callable[[str], None]) -> AirflowApi:
    """Start the components that do not run, and wait until Airflow has parsed the current DAGs."""
    airflow.require_free_port()
    described = write_manifest(settings)
    api = AirflowApi(airflow.url, USER, airflow.password)
    if changed := airflow.changed_settings():
        require_idle(api, changed)
        echo(f"Airflow: restarting, because {'; '.join(changed)}")
        airflow.stop()
    started = airflow.start()
    if started:
        echo(f"Airflow: starting {', '.join(started)} …")
    airflow.wait_until_healthy(api.health)
    api.set_pools(SLOTS)
    newest = max(file.stat().st_mtime for name in ("dags", "orchestration") for file in (ROOT / name).glob("*.py"))
    manifest = (settings.paths.dbt_target / "manifest.json").stat().st_mtime
    for dag_id in (FEATURES_DAG, MODEL_DAG, SCORES_DAG, FEEDBACK_DAG):
        api.wait_for_dag(dag_id, parsed_after=max(newest, manifest))
        api.unpause(dag_id)
    # A person switches on what plans campaigns and sends, so the scheduler's own setting for new DAGs is kept.
    for dag_id in CAMPAIGN_DAGS:
        api.wait_for_dag(dag_id, parsed_after=max(newest, manifest))
    echo(f"Airflow: {'started' if started else 'runs already'}, {airflow.url}")
    if described:
        echo("dbt: manifest written")
    return api


def require_idle(api: AirflowApi, changed: Sequence[str]) -> None:
    """Check that Airflow can be restarted.

    Raises:
        SettingsChangedError: a run is under way.
    """
    if api.health() is None:
        return
    for dag_id in (FEATURES_DAG, MODEL_DAG, SCORES_DAG):
        active = [str(run["dag_run_id"]) for run in api.runs(dag_id) if run["state"] in ACTIVE_STATES]
        if active:
            raise SettingsChangedError(
                f"Airflow runs with other settings: {'; '.join(changed)}. The run {active[0]} of {dag_id} is under way "
                "with them. Wait for its end, or stop it by 'make down'; then run 'make demo' again."
            )
