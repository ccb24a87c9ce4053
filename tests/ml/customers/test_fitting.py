"""Parts are fitted in processes of their own: the same verdicts, and a killed one is named."""

import os
import signal
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from core.files.atomic import replace_file
from ml.customers import fitting
from ml.customers.fitting import fit_parts, processes
from ml.customers.inputs import Inputs
from ml.customers.part import VERDICT, Decision, Verdict
from ml.errors import NotEnoughDataError, RunError

GIB = 2**30
NOW = datetime(2018, 1, 1, 5)


@dataclass(frozen=True)
class Probe:
    """A part that names its process; it may kill it a number of times, or raise."""

    name: str
    kills: int = 0
    raises: Exception | None = None

    def fit(self, inputs: Inputs, folder: Path) -> Verdict:
        killed = inputs.features / f"{self.name}.killed"
        times = int(killed.read_text()) if killed.exists() else 0
        if times < self.kills:
            replace_file(killed, str(times + 1))
            os.kill(os.getpid(), signal.SIGKILL)
        if self.raises is not None:
            raise self.raises
        loaded = "tensorflow" if "tensorflow" in sys.modules else "no tensorflow"
        (folder / "seed").write_text(str(inputs.seed))
        return Verdict(Decision.MODEL, [str(os.getpid()), loaded], {}, inputs.now.date())

    def score(self, inputs: Inputs, folder: Path, published: Path) -> None:
        raise NotImplementedError


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(tmp_path, [NOW], seed=3)


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "cores", lambda: 2)
    monkeypatch.setattr(fitting, "free_memory", lambda: 100 * GIB)


def test_each_part_has_a_process_of_its_own_without_tensorflow(inputs: Inputs, tmp_path: Path) -> None:
    parts = [Probe("segments"), Probe("taste"), Probe("else")]
    verdicts = fit_parts(parts, inputs, tmp_path / "parts")

    assert list(verdicts) == ["segments", "taste", "else"], "the order of the parts, not that of the fits"
    assert len({verdict.reasons[0] for verdict in verdicts.values()} | {str(os.getpid())}) == 4
    assert {verdict.reasons[1] for verdict in verdicts.values()} == {"no tensorflow"}
    assert (tmp_path / "parts" / "taste" / "seed").read_text() == "3"


def test_the_longest_part_begins_first_and_one_core_needs_no_process(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fitting, "cores", lambda: 1)
    caplog.set_level("INFO", "ml")
    verdicts = fit_parts([Probe("offers"), Probe("else"), Probe("taste")], inputs, tmp_path / "parts")

    assert {verdict.reasons[0] for verdict in verdicts.values()} == {str(os.getpid())}
    ended = [message.partition(":")[0] for message in caplog.messages if "peak memory" in message and ":" in message]
    assert ended == ["taste", "offers", "else"]
    assert "Fitted 3 parts, 1 at a time; peak memory at most" in caplog.messages[-1]


def test_too_little_data_is_a_verdict_and_a_fitted_part_stays(inputs: Inputs, tmp_path: Path) -> None:
    poor = Probe("poor", raises=NotEnoughDataError("Only 3 customers."))
    first = fit_parts([Probe("rich"), poor], inputs, tmp_path / "parts")
    again = fit_parts([Probe("rich", kills=9), poor], inputs, tmp_path / "parts")

    assert first["poor"].decision is Decision.NOT_ENOUGH_DATA
    assert again == first


def test_a_part_whose_process_is_killed_is_fitted_again_alone(
    inputs: Inputs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    verdicts = fit_parts([Probe("greedy", kills=1), Probe("other")], inputs, tmp_path / "parts")
    assert verdicts["greedy"].decision is Decision.MODEL
    assert "greedy: its process was killed; it is fitted again with no other part at the time" in caplog.messages


def test_a_part_that_is_killed_twice_is_named_and_the_others_stay(inputs: Inputs, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"fitted 'greedy' was killed twice.*run the same command again"):
        fit_parts([Probe("greedy", kills=2), Probe("other")], inputs, tmp_path / "parts")
    assert (tmp_path / "parts" / "other" / VERDICT).exists()
    assert fit_parts([Probe("greedy"), Probe("other")], inputs, tmp_path / "parts")["greedy"].publishes


def test_an_error_of_a_part_is_raised(inputs: Inputs, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a bug"):
        fit_parts([Probe("broken", raises=ValueError("a bug")), Probe("other")], inputs, tmp_path / "parts")
    assert not (tmp_path / "parts" / "broken").exists()


@pytest.mark.parametrize(
    ("cores", "memory", "expected"),
    [(8, 100 * GIB, 6), (4, 100 * GIB, 4), (8, 5 * GIB, 2), (8, GIB, 1), (3, None, 3)],
)
def test_there_is_a_process_per_core_as_far_as_the_memory_lasts(
    monkeypatch: pytest.MonkeyPatch, cores: int, memory: int | None, expected: int
) -> None:
    monkeypatch.setattr(fitting, "cores", lambda: cores)
    monkeypatch.setattr(fitting, "free_memory", lambda: memory)
    assert processes(6) == expected
    assert processes(0) == 1
