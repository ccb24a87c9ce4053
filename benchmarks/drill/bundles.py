"""Bundles that must not be let in."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.drill.sandbox import Sandbox, Served
from benchmarks.drill.sheet import Sheet, until
from benchmarks.drill.swaps import BY
from benchmarks.drill.traffic import Traffic
from core.bundle_files import MANIFEST, STORE_ENTRY, hash_files
from scoring.bundle import GOLDEN, RANKER


def change_a_byte(bundle: Path) -> None:
    content = bytearray((bundle / RANKER).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / RANKER).write_bytes(content)


def take_a_file_out(bundle: Path) -> None:
    (bundle / "catalogue" / "vectors.npy").unlink()


def put_a_file_in(bundle: Path) -> None:
    (bundle / "model" / "more.onnx").write_bytes(b"")


def put_a_pickle_in(bundle: Path) -> None:
    """With every hash in order."""
    (bundle / "model" / "more.pkl").write_bytes(pickle.dumps("harmless"))
    _sign(bundle)


def answer_otherwise(bundle: Path) -> None:
    """Golden requests with other lists than the bundle gives, and every hash in order."""
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


def drill_bundles(sandbox: Sandbox, served: Served, traffic: Traffic, sheet: Sheet) -> None:
    """The pointer is moved past the checks of `registry deploy`: the service must look for itself."""
    serving = served.readiness()[1]["version"]
    for number, (fault, spoil) in enumerate(FAULTS.items()):
        version = f"drill-bad-{number}"
        _copy(sandbox.store.path(serving), version)
        spoil(sandbox.store.path(version))
        with traffic.watch(0.2) as seen:
            generation = sandbox.registry.deploy(version, None, "drill", BY).generation
            until(lambda wanted=version: _refused(served) == wanted)  # type: ignore[misc]
        status, report = served.readiness()
        counted = served.metric(f'reach_model_load_failures_total{{version="{version}"}}')
        rejected = served.samples("reach_champion_generation", 'state="rejected"')
        reported = bool(rejected) and set(rejected) == {generation} and counted >= 1
        metrics = "tell" if reported else "do not tell"
        sheet.note(
            f"a bundle with {fault}",
            f"rejected, {serving} goes on, /readyz and metrics tell",
            f"{seen.story()}; /readyz {status}, rejected {report['rejected']}; metrics {metrics}",
            not seen.failures and set(seen.versions) == {serving} and status == 200 and reported,
        )
    sandbox.registry.deploy(serving, None, "drill: sound again", BY)
    until(lambda: served.readiness()[1].get("rejected") is None)


def _refused(served: Served) -> str | None:
    rejected = served.readiness()[1].get("rejected")
    return str(rejected["version"]) if rejected else None


def _copy(bundle: Path, version: str) -> None:
    """Another version with the same content: only its name differs."""
    copy = bundle.with_name(version)
    shutil.copytree(bundle, copy)
    manifest = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps(manifest | {"version": version}))


def _sign(bundle: Path) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    files = {name: content for name, content in hash_files(bundle).items() if name != STORE_ENTRY}
    (bundle / MANIFEST).write_text(json.dumps(manifest | {"files": files}))
