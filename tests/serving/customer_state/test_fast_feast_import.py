"""Feast is imported without its argument checks, and nothing else is changed by it."""

import subprocess
import sys
from typing import Any

import typeguard

from serving.customer_state.fast_feast_import import typeguard_disabled
from settings import ROOT


def test_decorated_classes_stay_as_they_are_written():
    def length(text: str) -> int:
        return len(text)

    with typeguard_disabled():
        assert typeguard.typechecked(length) is length
        check: Any = typeguard.typechecked
        assert check(collection_check_strategy=None)(length) is length


def test_the_checks_are_back_afterwards():
    before = typeguard.typechecked
    with typeguard_disabled():
        assert typeguard.typechecked is not before
    assert typeguard.typechecked is before


def test_feast_reads_without_them():
    code = (
        "from serving.customer_state.fast_feast_import import typeguard_disabled\n"
        "with typeguard_disabled():\n"
        "    from feature_store.online.reader import OnlineFeatureReader\n"
        "import feast\n"
        "assert not hasattr(feast.FeatureView.__init__, '__wrapped__')\n"
        "source = feast.FileSource(name='s', path=1)\n"  # checked, this would be an error
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
