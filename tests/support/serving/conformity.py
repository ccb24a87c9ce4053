"""schemathesis against a real service and its own OpenAPI document: `python -m tests.support.serving.conformity`.

Sends what the document allows and what it forbids, and holds every answer to it: statuses, shapes, headers, wrong
methods, wrong and missing keys. Prints schemathesis' summary with its counts; exits with its code, 0 if all held.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from customer_scores.publish import publish
from serving.middleware.api_keys import SCOPES, entry_for, make_key
from settings import Settings
from tests.support.customer_scores.marketing import stage_marketing
from tests.support.customer_scores.scores import AS_OF, stage_scores
from tests.support.serving.running import install, serve, wait_until_ready

# A schema cannot state that a rating lies between the event's own `rating_min` and `rating_max`, nor, in OpenAPI 3.0,
# which fields an event's type needs. So the service refuses a few events that the document allows.
CONFIGURATION = """
[[operations]]
include-name = "POST /events"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 401, 403, 404, 409, 429, "5xx"]
"""


def run(folder: Path, examples: int, seed: int) -> subprocess.CompletedProcess[str]:
    """Serve a small bundle, with API keys, and let schemathesis ask every operation up to `examples` times a phase."""
    installation = install(folder / "data", "v1")
    installation.deploy("v1")
    scored = Settings(data=installation.data)
    stage_scores(scored, customers=["buyer"])
    stage_marketing(scored)
    publish(scored, AS_OF)
    key = make_key()
    settings = {"REACH_API_KEYS": entry_for(key, "tester", list(SCOPES)), "REACH_RATE_LIMIT_PER_SECOND": "1000000"}
    (folder / "schemathesis.toml").write_text(CONFIGURATION)
    with serve(installation, settings=settings) as client:
        wait_until_ready(client, installation)
        return subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{client.base_url}/docs.json"),
                *("--checks", "all", "--max-examples", str(examples), "--seed", str(seed)),
                *("--header", f"Authorization: Bearer {key}", "--generation-database", "none", "--no-color"),
                *("--suppress-health-check", "all"),
            ],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.serving.conformity", description=__doc__)
    parser.add_argument("--examples", type=int, default=1_000, help="of each operation (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ended = run(Path(folder), options.examples, options.seed)
    print(ended.stdout)
    sys.exit(ended.returncode)


if __name__ == "__main__":
    main()
