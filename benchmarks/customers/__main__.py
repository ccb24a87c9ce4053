"""Print how good every part of the customer model is on the newest window whose outcome is known.

With `--weeks-before 8`, the evaluation is one horizon earlier; parts are built so, and the newest window stays unseen.
The last line is one JSON object of the bars' figures; a figure that a part did not give is null.

With `--times 10`, each part also runs on ten times the customers, in a process of its own, and the last line has the
costs.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from benchmarks.customers.costs import compare_costs
from benchmarks.customers.measure import measure
from core.command import log_to_stdout
from features.publication import current_publication
from marketing.policy import load_policy
from ml.customers.inputs import Inputs
from settings import load_settings

FIGURES = (
    *("age_55_auc", "income_75k_auc", "kids_auc", "household_3_auc", "tag_ece_max", "tag_reliability_min"),
    *("likes_confirmed", "lapse_8w_auc", "lapse_8w_ece", "spend_8w_wape", "spend_8w_covered", "order_14d_auc"),
    *("taste_new_recall", "pca_new_recall", "segment_jaccard", "segment_kappa", "value_eta2", "taste_eta2"),
    *("category_lift_all", "category_lift_new", "mailer_lift_all", "mailer_lift_new"),
    *("redeemer_auc", "redeemer_top_decile", "coupon_ndcg_10", "new_pairs"),
)
"""The names in the last line, in this order."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, evaluate and score every part on the published features, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.customers", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--weeks-before", type=int, default=0, help="evaluate as of N weeks earlier")
    parser.add_argument("--parts", nargs="+", help="only these parts")
    parser.add_argument("--times", type=int, default=1, help="compare the cost with that of N times the customers")
    options = parser.parse_args(arguments)
    log_to_stdout()
    settings = load_settings()
    publication = current_publication(settings.paths.features)
    inputs = Inputs(
        settings.paths.features.parent / publication.name,
        settings.snapshot_instants(publication.as_of),
        settings.seed,
        settings.duckdb_memory("20%"),
        purposes=load_policy(settings.marketing_policy, is_demo=settings.landing is None).allowed,
    )
    if options.weeks_before:
        inputs = inputs.before(options.weeks_before)
    print(f"Features {publication.name}, as of {inputs.now:%Y-%m-%d}")
    if options.times > 1:
        print(json.dumps(compare_costs(inputs, options.times, options.parts)))
        return 0
    verdicts = measure(inputs, options.parts)
    found = {name: measure.value for verdict in verdicts.values() for name, measure in verdict.measures.items()}
    print(json.dumps({name: None if name not in found else round(found[name], 4) for name in FIGURES}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
