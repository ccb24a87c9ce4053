"""The free memory is the system's, or less where a container has a limit."""

from pathlib import Path

import pytest

from core.machine import cores, free_memory

MIB = 2**20


def system(folder: Path, available_mib: int) -> Path:
    file = folder / "meminfo"
    file.write_text(f"MemTotal:  9999999 kB\nMemFree:  1 kB\nMemAvailable:   {available_mib * 1024} kB\n")
    return file


@pytest.mark.parametrize(
    ("limit", "expected_mib"), [("max", 800), (str(500 * MIB), 400), (str(5000 * MIB), 800), (str(50 * MIB), 0)]
)
def test_a_containers_limit_counts_if_it_leaves_less(tmp_path: Path, limit: str, expected_mib: int) -> None:
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text(f"{100 * MIB}\n")
    assert free_memory(system(tmp_path, 800), tmp_path) == expected_mib * MIB


def test_without_a_container_the_system_counts(tmp_path: Path) -> None:
    assert free_memory(system(tmp_path, 800), tmp_path / "none") == 800 * MIB


def test_a_system_that_does_not_show_its_memory_has_an_unknown_amount(tmp_path: Path) -> None:
    assert free_memory(tmp_path / "none", tmp_path) is None


def test_this_process_may_use_a_core() -> None:
    assert cores() >= 1
