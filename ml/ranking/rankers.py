"""The rankers that can compete, by the name used in `config.toml` and on the command line."""

from collections.abc import Callable
from typing import Any

from ml.config import Ranking
from ml.errors import ConfigError
from ml.ranking.dcn import DCN
from ml.ranking.dlrm import DLRM
from ml.ranking.inputs import Scaling
from ml.ranking.wide_and_deep import WideAndDeep

RANKERS: dict[str, Callable[[list[int], Scaling, Ranking], Any]] = {
    "dlrm": DLRM,
    "wide_and_deep": WideAndDeep,
    "dcn": DCN,
}


def ranker(name: str) -> Callable[[list[int], Scaling, Ranking], Any]:
    """The model of that name; ConfigError lists the known ones."""
    if name not in RANKERS:
        raise ConfigError(f"There is no ranker '{name}'. Known rankers: {', '.join(sorted(RANKERS))}.")
    return RANKERS[name]
