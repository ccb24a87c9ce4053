"""Small published scores, as the pages read them."""

import json

from customer_scores.publish import publish
from customer_scores.staged import MANIFEST
from settings import Settings
from tests.support.customer_scores.marketing import stage_marketing
from tests.support.customer_scores.scores import AS_OF, stage_scores

CERTIFICATE = {
    "scheme": "spend tiers", "axis": "value", "jaccard": 0.97, "jaccard_worst": 0.95, "kappa": 0.755,
    "smallest_share": 0.2, "spend_eta2": 0.489, "mix_eta2": 0.02, "published": "yes", "missed": "",
    "expires": "2018-04-02",
}  # fmt: skip
REFUSAL = "k-means on RFM, 8 clusters refused: kappa 0.222 < 0.50."


def publish_scores(settings: Settings) -> None:
    """Publish the scores of 30 customers with a certificate, a refusal, audiences and offers."""
    stage_scores(settings)
    stage_marketing(settings)
    file = settings.paths.staged_customers / MANIFEST
    record = json.loads(file.read_text())
    record["parts"]["segments"] |= {"reasons": [REFUSAL], "tables": {"certificates": [CERTIFICATE]}}
    file.write_text(json.dumps(record))
    publish(settings, AS_OF)
