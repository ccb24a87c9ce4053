import argparse
import json
import logging
import subprocess
import sys
from subprocess import PIPE

import pytest

from core.command import Commands, ExitCode, add_as_of, log_to_stdout

logger = logging.getLogger("landing.test")


class ShopError(Exception):
    pass


def settings() -> str:
    return "settings"


def answer(given: str, options: argparse.Namespace) -> dict[str, object]:
    logger.info("progress %d", 1)
    return {"settings": given, "as_of": str(options.as_of), "score": float("nan")}


def fail(_given: str, _options: argparse.Namespace) -> None:
    logger.info("begun")
    raise ShopError("The file is gone. Land it again.")


def commands(prints_result: bool = True) -> Commands[str]:
    made = Commands("shop", "Run the shop.\n\nMore text.", settings, (ShopError,), prints_result)
    add_as_of(made.add("answer", answer, "answer a question"), "the day")
    made.add("fail", fail, "fail with a message")
    made.add("idle", lambda _given, _options: None, "do nothing")
    return made


def test_progress_comes_first_and_the_result_is_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands().run(["answer", "--as-of", "2018-01-01"]) == ExitCode.DONE
    progress, result = capsys.readouterr().out.splitlines()
    assert progress == "progress 1"
    assert json.loads(result) == {"settings": "settings", "as_of": "2018-01-01", "score": None}


def test_a_known_error_is_printed_and_gives_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands().run(["fail"]) == ExitCode.FAILED
    printed = capsys.readouterr()
    assert printed.out == "begun\n"
    assert printed.err == "error: The file is gone. Land it again.\n"


def test_nothing_to_do_gives_an_empty_result_and_exit_code_99(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands().run(["idle"]) == ExitCode.NOTHING_TO_DO == 99
    assert capsys.readouterr().out == "{}\n"


def test_a_command_for_people_prints_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands(prints_result=False).run(["idle"]) == ExitCode.DONE
    assert capsys.readouterr().out == ""


def test_an_unknown_command_gives_exit_code_2() -> None:
    with pytest.raises(SystemExit) as stopped:
        commands().run(["sell"])
    assert stopped.value.code == ExitCode.USAGE_ERROR


def test_a_bug_is_raised_and_not_explained() -> None:
    made = Commands("shop", None, settings, (ShopError,))
    made.add("divide", lambda _given, _options: 1 / 0, "divide")
    with pytest.raises(ZeroDivisionError):
        made.run(["divide"])


READ_BY_HEAD = """
import logging, sys
from core.command import run_command
def work():
    for number in range(20_000):
        logging.getLogger("landing").info("line %d", number)
    print("to its end", file=sys.stderr)
    return {}
sys.exit(run_command(work, ()))
"""


def test_a_reader_that_has_gone_ends_the_output_quietly() -> None:
    with subprocess.Popen([sys.executable, "-c", READ_BY_HEAD], stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "line 0\n"
        process.stdout.close()
        assert process.stderr.read() == "to its end\n"
    assert process.returncode == ExitCode.READER_GONE == 141


def test_libraries_stay_silent_and_lines_come_once(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stdout()
    log_to_stdout()
    logger.info("once")
    logging.getLogger("some_library").info("never")
    assert capsys.readouterr().out == "once\n"
