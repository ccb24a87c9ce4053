"""Damaged bundles, which the service must reject."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.drill.fault_report import FaultReport, until
from benchmarks.drill.sandbox import Sandbox, Served
from benchmarks.drill.swaps import ACTOR
from benchmarks.drill.traffic import Traffic
from core.files.bundle import MANIFEST, STORE_ENTRY, hash_files
from scoring.bundle import GOLDEN, RANKER


def change_a_byte(bundle: Path) -> None:
    """Flip one bit of the ranker."""
    content = bytearray((bundle / RANKER).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / RANKER).write_bytes(content)


def take_a_file_out(bundle: Path) -> None:
    """Delete a file of the catalogue."""
    (bundle / "catalogue" / "vectors.npy").unlink()


def put_a_file_in(bundle: Path) -> None:
    """Add a file that the manifest does not name."""
    (bundle / "model" / "more.onnx").write_bytes(b"")


def put_a_pickle_in(bundle: Path) -> None:
    """Add a pickle, with valid hashes."""
    (bundle / "model" / "more.pkl").write_bytes(pickle.dumps("harmless"))
    _sign(bundle)


def answer_otherwise(bundle: Path) -> None:
    """Reverse the expected list of a golden request, with valid hashes."""
    golden = json.loads((bundle / GOLDEN).read_text())
    golden[0]["product_ids"].reverse()
    (bundle / GOLDEN).write_text(json.dumps(golden))
    _sign(bundle)


FAULTS: dict[str, Callable[[Path], None]] = {
    "a changed byte": change_a_byte,
    "a missing file": take_a_file_out,
    "an extra file": put_a_file_in,
    "a pickle": put_a_pickle_in,
    "failing golden requests": answer_otherwise,
}


def drill_bundles(sandbox: Sandbox, served: Served, traffic: Traffic, report: FaultReport) -> None:
    """Point the champion alias at damaged bundles without `registry deploy`, so that only the service checks them."""
    serving = served.readiness()[1]["version"]
    for number, (fault, spoil) in enumerate(FAULTS.items()):
        version = f"drill-bad-{number}"
        _copy(sandbox.store.path(serving), version)
        spoil(sandbox.store.path(version))
        with traffic.watch(0.2) as seen:
            generation = sandbox.registry.deploy(version, None, "drill", ACTOR).generation
            until(lambda version=version: _rejected(served) == version)  # type: ignore[misc]
        status, readiness = served.readiness()
        counted = served.metric(f'reach_model_load_failures_total{{version="{version}"}}')
        rejected = served.samples("reach_champion_generation", 'state="rejected"')
        reported = bool(rejected) and set(rejected) == {generation} and counted >= 1
        metrics = "count it" if reported else "do not count it"
        report.note(
            f"a bundle with {fault}",
            f"rejected, {serving} goes on, /readyz and metrics show it",
            f"{seen.summary()}; /readyz {status}, rejected {readiness['rejected']}; metrics {metrics}",
            not seen.failures and set(seen.versions) == {serving} and status == 200 and reported,
        )
    sandbox.registry.deploy(serving, None, "drill: valid again", ACTOR)
    until(lambda: served.readiness()[1].get("rejected") is None)


def _rejected(served: Served) -> str | None:
    rejected = served.readiness()[1].get("rejected")
    return str(rejected["version"]) if rejected else None


def _copy(bundle: Path, version: str) -> None:
    """Copy a bundle to another version name."""
    copy = bundle.with_name(version)
    shutil.copytree(bundle, copy)
    manifest = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps(manifest | {"version": version}))


def _sign(bundle: Path) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    files = {name: content for name, content in hash_files(bundle).items() if name != STORE_ENTRY}
    (bundle / MANIFEST).write_text(json.dumps(manifest | {"files": files}))
