"""dbt's manifest, from which Airflow creates the models' tasks; it must exist before a DAG is parsed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from local.build.fingerprint import files_hash
from local.errors import ProcessFailedError
from settings import ROOT, Settings

PROJECT = ROOT / "dbt"


def write_manifest(settings: Settings) -> bool:
    """Write dbt's manifest unless it is up to date, and return whether it was written."""
    target = settings.paths.dbt_target
    manifest, stamp = target / "manifest.json", target / "manifest.stamp"
    code = files_hash([PROJECT, ROOT / "uv.lock"])
    if manifest.is_file() and stamp.is_file() and stamp.read_text() == code:
        return False
    # Next to the real one, then moved: Airflow may be reading it.
    scratch = target / "parse"
    scratch.mkdir(parents=True, exist_ok=True)
    command = [str(Path(sys.executable).with_name("dbt")), "parse", "--no-partial-parse"]
    options = {"project-dir": PROJECT, "profiles-dir": PROJECT, "target-path": scratch, "log-path": scratch}
    done = subprocess.run(
        [*command, *(word for name, path in options.items() for word in (f"--{name}", str(path)))],
        env={**os.environ, "REACH_DATA": str(settings.data), "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise ProcessFailedError(f"dbt cannot read its project in {PROJECT}:\n{done.stdout[-3000:]}")
    (scratch / "manifest.json").rename(manifest)
    shutil.rmtree(scratch)
    stamp.write_text(code)
    return True
