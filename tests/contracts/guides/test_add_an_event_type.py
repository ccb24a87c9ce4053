"""A new type of event needs a table in core/event_types.toml and no code: the one of docs/feedback.md changes lists."""

import json
import re
import subprocess
import sys
from pathlib import Path

from core.event_types import PACKAGED
from settings import ROOT
from tests.support.copied_code import copy_code

PAGE = (ROOT / "docs" / "feedback.md").read_text()

USE = """
import json
import sys
from pathlib import Path
from core.clock import utc_now
from events.factory import open_event_log
from events.records import Event
from landing.feedback.collector import collect
from landing.feedback.merged_table import land_feedback
from landing.findings import Findings
from quality.suites.feedback import REST
from dataclasses import replace
from scoring.customer.customer import Customer
from scoring.customer.recent_interest import recent_interest
from scoring.request import RecommendationRequest
from settings import Settings
from tests.support.landing.shop import ANY_DAY
from tests.support.scoring.random_shop import shop

found, home = shop(1, quota=8), Path(sys.argv[1])
event_log = open_event_log(Settings(data=home))
wished = {"event_id": "e1", "customer_id": "c", "product_id": "p7", "event_type": "wishlist"}
event_log.append([Event.model_validate(wished | {"occurred_at": utc_now().isoformat() + "Z"})]).result()
recent = recent_interest(event_log.of_customer("c").interactions, {}, utc_now())
items = found.recommender.recommend(replace(Customer.empty(), recent=recent), RecommendationRequest("all", 10)).items
findings = Findings()
collect(home / "feedback", event_log)
tables = land_feedback(home / "feedback", None, ANY_DAY, findings)
[check] = [each for each in REST if each.name == "events_are_of_a_known_type"]
print(json.dumps({
    "reasons": {item.product_id: item.reason for item in items if item.source == "seen_lately"},
    "landed": {table.name: each.rows for table, each in tables.items()},
    "findings": len(list(findings)),
    "is_known": "wishlist" in str(check),
}))
"""


def test_the_type_of_the_guide_is_taken_kept_landed_and_changes_lists(tmp_path: Path) -> None:
    project = copy_code(tmp_path / "project")
    [table] = re.findall(r"```toml\n(\[types\.wishlist\].*?)```", PAGE, re.DOTALL)
    file = project / PACKAGED.relative_to(ROOT)
    file.write_text(f"{file.read_text()}\n{table}")
    done = subprocess.run([sys.executable, "-c", USE, str(tmp_path)], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["reasons"]["p7"] == "You saved this today"
    assert found["landed"]["events"] == 1
    assert (found["findings"], found["is_known"]) == (0, True)
