"""Prepare the demo's campaign up to the point where a person launches it: addresses, lists, and a plan on trial.

Each step is a command that a person can run by hand. Nothing is staged or sent.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.errors import ProcessFailedError
from settings import ROOT, Settings

FILE = Path(__file__).with_name("new-for-you.toml")
ID = FILE.stem
READS = ("predictions", "segments")
"""The published scores that the campaign's filters read."""


@dataclass(frozen=True)
class Trial:
    """A plan that was tried.

    Attributes:
        file: the campaign's file.
        counts: decisions by outcome, or by reason where nothing would be sent.
        decided_before: customers of an earlier plan.
        effect: a sentence about the smallest effect that the hold-out can show.
    """

    file: Path
    counts: Mapping[str, int]
    decided_before: int
    effect: str


def missing_scores(settings: Settings) -> list[str]:
    """Return which of READS are not published, because there are too few customers for instance."""
    return [name for name in READS if not (settings.paths.customers / f"{name}.parquet").is_file()]


def prepare_campaign(settings: Settings) -> Trial:
    """Copy the campaign unless its file is there, import the made addresses, write the lists, and try the plan.

    Raises:
        ProcessFailedError: a step failed; the message names the command and has its error.
    """
    folder = settings.campaigns_folder
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE.name
    if not file.exists():
        shutil.copyfile(FILE, file)
    _run(settings, "outbox", "import")
    _run(settings, "ml", "recommend", "--for-campaigns")
    tried = _run(settings, "marketing", "campaign", "plan", ID, "--dry-run")["campaigns"][0]
    return Trial(file, tried["counts"], tried["decided_before"], tried["visible_effect_sentence"])


def campaign_lines(trial: Trial, mail: str, console: str) -> list[str]:
    """Return the end of `make demo` about the campaign as lines.

    Args:
        trial: the plan.
        mail: the address of the mail sink's page.
        console: the address of the console.
    """
    python = Path(".venv/bin/python")
    return [
        f"\nA campaign, ready to launch: {ID}",
        "  Addresses and consents were made for the demo; none is real. Mail goes to a page on this machine only.",
        *_outcome(trial),
        "\nWhat a marketer does next",
        f'  1. Read it, and write status = "running" in {trial.file}',
        f"  2. {python} -m marketing campaign plan {ID}",
        f"  3. {python} -m quality plan --campaign {ID}",
        f"  4. {python} -m marketing campaign enqueue {ID}",
        f"  5. {python} -m outbox send",
        "  Or, instead of 2 to 5, switch the DAGs run_campaigns and send_outbox on in Airflow.",
        f"  {'In the console':<14} {console}/campaigns/{ID}",
        f"  {'Mail':<14} {mail}",
    ]


def _outcome(trial: Trial) -> Sequence[str]:
    counts = dict(trial.counts)
    planned, held_out = counts.pop("planned", 0), counts.pop("held_out", 0)
    before = f"; {trial.decided_before:,} customers were decided about before" if trial.decided_before else ""
    lines = [f"  {planned:,} customers would get a message, {held_out:,} are held out{before}."]
    if counts:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(counts.items(), key=lambda one: -one[1]))
        lines.append(f"  {sum(counts.values()):,} get none: {reasons}.")
    return [*lines, f"  {trial.effect}"] if planned or held_out else lines


def _run(settings: Settings, *arguments: str) -> Any:
    """Run `python -m …` to its good end, and return the JSON value of its last line."""
    environment = {**os.environ, "REACH_DATA": str(settings.data)}
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        command = f".venv/bin/python -m {' '.join(arguments)}"
        raise ProcessFailedError(f"'{command}' failed: {done.stderr.strip()[-2000:] or done.stdout.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])
