"""`python -m pages run --run-id R` and `python -m pages features --as-of D`: write a page of links.

Exit 0: the page is written; it lists what is missing. Exit 1: there is no such run or day.
Exit 99: no day was given, because the run ended before it had one, so there is no page to write.
"""

import argparse
import json
import sys
from datetime import date

from pages.errors import PageError
from pages.features import refresh_features_page, write_features_page
from pages.run import write_run_page
from settings import SettingsError, load_settings

NOTHING_TO_DO = 99


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the process's exit code."""
    options = _parser().parse_args(arguments)
    if options.kind == "features" and options.as_of is None:
        print("No day was admitted, so there is no page to write.")
        return NOTHING_TO_DO
    try:
        paths = load_settings().paths
        if options.kind == "run":
            page = write_run_page(paths, options.run_id)
            refresh_features_page(paths, options.run_id)
        else:
            page = write_features_page(paths, options.as_of)
    except (SettingsError, PageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"The page of all that was made: {page}", flush=True)
    print(json.dumps({"page": str(page)}))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pages", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    run = kinds.add_parser("run", help="the page of a retraining")
    run.add_argument("--run-id", required=True, help="the run's name, such as 2018-01-01-3f2a9c")
    features = kinds.add_parser("features", help="the page of a build of the features")
    features.add_argument("--as-of", type=date.fromisoformat, metavar="YYYY-MM-DD", help="its day")
    return parser


if __name__ == "__main__":
    sys.exit(main())
