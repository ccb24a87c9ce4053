"""Bundles in BentoML's model store: whole or not there, and safe to put twice."""

import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import pytest

from registry.errors import UnknownVersionError, UnusableBundleError, VersionExistsError
from registry.model_store import ModelStore
from scoring.bundle import Bundle
from tests.support.serving.small_bundle import write_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundles") / "v1", "v1")


def test_what_is_put_can_be_opened_and_is_an_entry_of_bentomls_own_store(tmp_path: Path, bundle: Path) -> None:
    store = ModelStore(tmp_path)

    assert store.put(bundle, "v1") == "reach-recommender:v1"
    assert Bundle.open(store.path("v1")).version == "v1"
    assert store.versions() == ["v1"]

    from bentoml._internal.models import ModelStore as BentoStore

    entry = BentoStore(tmp_path / "models").get("reach-recommender:v1")
    assert entry.info.labels["as_of"] == "2018-01-01"
    assert Path(entry.path) == store.path("v1")


def test_putting_a_bundle_again_changes_nothing(tmp_path: Path, bundle: Path) -> None:
    store = ModelStore(tmp_path)
    store.put(bundle, "v1")
    before = store.path("v1").stat().st_mtime_ns

    assert store.put(bundle, "v1") == "reach-recommender:v1"
    assert store.path("v1").stat().st_mtime_ns == before


def test_other_content_under_a_version_that_exists_is_refused(tmp_path: Path, bundle: Path) -> None:
    store = ModelStore(tmp_path)
    store.put(bundle, "v1")
    other = write_bundle(tmp_path / "other", "v1", weight=3.0)

    with pytest.raises(VersionExistsError, match="reach-recommender:v1"):
        store.put(other, "v1")


def test_a_put_killed_half_way_leaves_nothing_and_runs_again(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ModelStore(tmp_path)
    copied: list[str] = []

    def copy_two_files_then_die(source: str, target: str) -> str:
        if len(copied) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        copied.append(target)
        return shutil.copy(source, target)

    copytree = shutil.copytree

    def deadly_copytree(source: Path, target: Path, *inner: object) -> None:
        copytree(source, target, *(inner or (False, None, copy_two_files_then_die)))

    monkeypatch.setattr("shutil.copytree", deadly_copytree)
    child = multiprocessing.get_context("fork").Process(target=store.put, args=(bundle, "v1"))
    child.start()
    child.join()
    monkeypatch.undo()

    assert child.exitcode == -signal.SIGKILL
    assert store.versions() == []
    with pytest.raises(UnknownVersionError, match="holds: none"):
        store.path("v1")
    store.put(bundle, "v1")
    Bundle.open(store.path("v1"))
    assert [path.name for path in (tmp_path / "staging").iterdir()] == [".lock"]


def test_a_version_bentoml_would_rename_is_refused(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "b", "V1")

    with pytest.raises(UnusableBundleError, match="'V1' is not a version that BentoML can keep"):
        ModelStore(tmp_path / "home").put(bundle, "V1")


def test_a_bundle_of_another_version_is_refused(tmp_path: Path, bundle: Path) -> None:
    with pytest.raises(UnusableBundleError, match="is version v1, not v2"):
        ModelStore(tmp_path).put(bundle, "v2")


def test_an_unknown_version_says_which_there_are(tmp_path: Path, bundle: Path) -> None:
    store = ModelStore(tmp_path)
    store.put(bundle, "v1")

    with pytest.raises(UnknownVersionError, match=r"holds no reach-recommender:v9 \(it holds: v1\)"):
        store.path("v9")
