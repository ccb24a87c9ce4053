"""The table at the end of `make demo`."""

from pathlib import Path

from local.airflow.timing import Stages


def test_a_stage_shows_the_processor_time_that_was_spent_in_it(tmp_path: Path) -> None:
    stages = Stages(tmp_path)
    with stages.stage("wait"):
        pass
    for _ in range(2):
        with stages.stage("work"):
            sum(range(3_000_000))
    assert stages.processor_seconds["work"] > stages.processor_seconds["wait"]
    *lines, total = stages.lines()
    assert [line.split()[0] for line in lines] == ["wait", "work"]
    assert total.split()[:2] == ["in", "all"]
    assert all(line.endswith("s of processor time") for line in lines)
