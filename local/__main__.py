"""`python -m local start | run | stop | restart-service | status | manifest | dbt | clean`: what the Makefile calls."""

import argparse
import contextlib
import shutil
import sys
from collections.abc import Sequence
from datetime import date
from typing import Any

from local.airflow.api import AirflowApi
from local.airflow.follow import follow
from local.airflow.stack import COMPONENTS, USER, Airflow
from local.build.build import FEATURES_DAG, FEEDBACK_DAG, MODEL_DAG, SCORES_DAG
from local.build.dbt_command import run_dbt
from local.build.dbt_manifest import write_manifest
from local.build.fingerprint import BuildCache
from local.console import NAME as CONSOLE
from local.console import Console
from local.demo.mail_sink import NAME as MAIL_SINK
from local.demo.mail_sink import MailSink
from local.errors import DemoError, NotReadyError, SettingsChangedError
from local.processes import Programs, memory, processes_of
from local.service import NAME, Service
from local.start import start as start_stack
from retention.errors import RetentionError
from retention.policy import load_policy
from retention.space import GIB, MIB, areas, free, need_of_a_run, require_space
from settings import Settings, SettingsError, load_settings

# Paths that Reach writes; it never deletes anything else in the data directory.
WRITTEN_PATHS = (
    *(
        "admissions",
        "admitted",
        "admitting",
        "airflow",
        "bentoml",
        "campaign_results",
        "console",
        "customers",
        "dbt",
        "demo.json",
        "feast",
        "features",
        "file_hashes.json",
        "feedback",
        "landing",
        "events",
        "live",
        "mail",
        "mail_sink.json",
        "processes",
    ),
    *("quality", "recommendations", "release", "runs", "tmp", "warehouse"),
)


def echo(line: str) -> None:
    """Print one line at once."""
    print(line, flush=True)


def status(settings: Settings) -> None:
    """Print which programs run, their addresses, and the size of each part of the data directory."""
    programs = Programs(settings.data)
    for name in (*COMPONENTS, NAME, CONSOLE, MAIL_SINK):
        pid = programs.running(name)
        echo(f"  {name:<14} {f'runs, process {pid}' if pid else 'stopped'}")
    if found := processes_of(settings.data):
        echo(f"  {len(found)} processes hold {memory(found) / GIB:.2f} GiB")
        parts = (Airflow(settings, programs), Service(settings, programs), Console(settings, programs))
        echo("  " + " · ".join(f"{type(part).__name__} {part.url}" for part in parts))
        if programs.running(MAIL_SINK):
            echo(f"  The demo's mail {MailSink(settings, programs).url}")
    changed = [*Airflow(settings, programs).changed_settings(), *Service(settings, programs).changed_settings()]
    changed += Console(settings, programs).changed_settings()
    if changed:
        names = "; ".join(dict.fromkeys(changed))
        echo(f"  Started with other settings: {names}. 'make demo' restarts what they concern.")
    sizes = areas(settings.data)
    for name, size in sizes.items():
        echo(f"  {name:<14} {size / MIB:9.1f} MiB")
    total, available = sum(sizes.values()) / MIB, free(settings.data) / GIB
    echo(f"  {'in all':<14} {total:9.1f} MiB in {settings.data}; {available:.1f} GiB free")


def restart_service(settings: Settings) -> None:
    """Stop the service and start it with the present settings."""
    service = Service(settings, Programs(settings.data))
    if BuildCache(settings).champion() is None:
        raise NotReadyError(f"No version has been deployed in {settings.data} yet: 'make demo' trains and deploys one.")
    service.start(fresh=True)
    service.wait_until_ready()
    echo(f"Service: started, ready at {service.url}")


def stop(settings: Settings) -> None:
    """Stop every process that was started for this data directory."""
    count = Programs(settings.data).stop_all()
    echo(f"Stopped {count} processes." if count else "Nothing was running.")


def run(settings: Settings, dag_id: str, conf: dict[str, Any]) -> None:
    """Run one DAG in the Airflow that is running, and follow it to its end."""
    airflow = Airflow(settings, Programs(settings.data))
    airflow.require_started()
    if changed := airflow.changed_settings():
        raise SettingsChangedError(
            f"Airflow was started with other settings: {'; '.join(changed)}. 'make demo' restarts it with the present "
            "ones; to continue with the former ones, set them again."
        )
    if dag_id != FEEDBACK_DAG:
        require_space(settings.data, need_of_a_run(settings, load_policy()))
    api = AirflowApi(airflow.url, USER, airflow.password)
    run_id = api.trigger(dag_id, conf)
    echo(f"{dag_id}: run {run_id}")
    follow(api, dag_id, run_id, echo, airflow.require_running)
    echo(f"Done; see {airflow.url}/dags/{dag_id}")


def clean(settings: Settings) -> None:
    """Stop everything, then delete what Reach wrote; other files in the data directory stay."""
    stop(settings)
    for name in WRITTEN_PATHS:
        path = settings.data / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        settings.data.rmdir()


def main(arguments: Sequence[str]) -> int:
    """Run one command and return the exit code of the process."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="start Airflow, build, train, deploy, start the service, ask it")
    start.add_argument("--as-of", type=date.fromisoformat, help="use only what was known before this day")
    start.add_argument("--force", action="store_true", help="build and train even if nothing has changed")
    one = commands.add_parser("run", help="run one DAG in the running Airflow and follow it")
    one.add_argument("dag_id", choices=[FEATURES_DAG, MODEL_DAG, SCORES_DAG, FEEDBACK_DAG])
    one.add_argument("--as-of", type=date.fromisoformat, help="use only what was known before this day")
    one.add_argument("--epochs", type=int, help="retrain_recommender: passes over the training set")
    one.add_argument(
        "--evaluate-only", action="store_true", help="retrain_recommender, score_customers: publish nothing"
    )
    one.add_argument("--reason", help="retrain_recommender, score_customers: a sentence for the release log")
    commands.add_parser("stop", help="stop Airflow, the service and every step")
    commands.add_parser("restart-service", help="start the service again, with the present settings")
    commands.add_parser("status", help="show what runs, and what each part of the data directory takes")
    commands.add_parser("manifest", help="let dbt describe its models for Airflow")
    hand = commands.add_parser("dbt", help="run dbt by hand, with the admitted day's variables")
    hand.add_argument("arguments", nargs=argparse.REMAINDER, help="dbt's own, such as: build --select dim_products+")
    commands.add_parser("clean", help="stop everything and delete what Reach wrote")
    chosen = parser.parse_args(arguments)
    try:
        settings = load_settings()
        if chosen.command == "start":
            as_of = chosen.as_of or settings.as_of
            start_stack(settings, as_of.isoformat() if as_of else None, chosen.force, echo)
        elif chosen.command == "run":
            run(settings, chosen.dag_id, _params(chosen))
        elif chosen.command == "dbt":
            return run_dbt(settings, chosen.arguments)
        elif chosen.command == "manifest":
            write_manifest(settings)
        else:
            plain = {"stop": stop, "restart-service": restart_service, "status": status, "clean": clean}
            plain[chosen.command](settings)
    except (DemoError, RetentionError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        # An error with a file name can be corrected by the user; one without is a defect of the program.
        if error.filename is None:
            raise
        print(f"error: {error.filename}: {error.strerror}. Check the folder, its owner and the disk.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. Airflow and its run go on; 'make down' stops them.", file=sys.stderr)
        return 1
    return 0


def _params(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return the DAG's Params given on the command line; the DAG's defaults apply to the others."""
    params: dict[str, Any] = {}
    if chosen.as_of:
        params["as_of"] = chosen.as_of.isoformat()
    if chosen.dag_id == MODEL_DAG:
        params["publish_if_better"] = not chosen.evaluate_only
        params |= {name: value for name in ("epochs", "reason") if (value := getattr(chosen, name))}
    if chosen.dag_id == SCORES_DAG:
        params["publish"] = not chosen.evaluate_only
        params |= {"reason": chosen.reason} if chosen.reason else {}
    return params


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
