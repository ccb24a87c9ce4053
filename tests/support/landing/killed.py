"""Runs a step in a process that kills itself half way."""

import subprocess
import sys
from collections.abc import Mapping

from settings import ROOT


def die_before(
    place: str, call: int, setup: str, action: str, environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run `setup`, then `action`, whose process gets SIGKILL before the given call of `place`, counted from 1.

    place: `owner.name`, the owner being one of os, shutil, pq, Path, or a name that `setup` makes.
    """
    owner, _, name = place.partition(".")
    script = f"""
import os, shutil, signal
from pathlib import Path
import pyarrow.parquet as pq
{setup}
calls, genuine = [], {place}
def fatal(*arguments, **options):
    calls.append(1)
    if len(calls) == {call}:
        os.kill(os.getpid(), signal.SIGKILL)
    return genuine(*arguments, **options)
setattr({owner}, {name!r}, fatal)
{action}
"""
    return subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
