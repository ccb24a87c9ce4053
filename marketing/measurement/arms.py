"""The arms of a campaign, from the decisions that the outbox keeps: one row per eligible customer and occurrence."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from experiments.identification import Check
from experiments.measurement.arms import Arms
from marketing.measurement.errors import MeasurementError

COLUMNS = ("customer_id", "variant", "propensity", "is_holdout", "decided_at")

NO_ARM = ("none", "global_holdout")
"""The variants of customers who were left out before a campaign's arms were drawn."""


def arms_of(decisions: pa.Table) -> Arms:
    """Return the arms of one campaign.

    Args:
        decisions: Its decisions with the columns of `COLUMNS`. A customer with several occurrences counts once, from
            the first one on.

    Raises:
        MeasurementError: A column is missing, or no customer is in an arm.
    """
    if missing := sorted(set(COLUMNS) - set(decisions.column_names)):
        raise MeasurementError(f"The decisions lack the columns {', '.join(missing)}.")
    assigned = decisions.select(COLUMNS).filter(pc.invert(pc.is_in(decisions["variant"], pa.array(NO_ARM))))
    if not len(assigned):
        raise MeasurementError(f"No customer is in an arm of the campaign: {len(decisions):,} decisions were read.")
    assigned = assigned.sort_by([("customer_id", "ascending"), ("decided_at", "ascending"), ("variant", "ascending")])
    ids = np.array(assigned["customer_id"].to_pylist(), dtype=np.str_)
    variant = np.array(assigned["variant"].to_pylist(), dtype=np.str_)
    is_first = np.r_[True, ids[1:] != ids[:-1]]
    moved = len(np.unique(ids[1:][(ids[1:] == ids[:-1]) & (variant[1:] != variant[:-1])]))
    held = np.unique(variant[assigned["is_holdout"].to_numpy(zero_copy_only=False).astype(bool)])
    shares, steady = _shares(variant, assigned["propensity"].to_numpy(), held)
    at = assigned["decided_at"].cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]")
    return Arms(
        customer_ids=ids[is_first],
        variant=variant[is_first],
        decided_at=at[is_first],
        holdout=str(held[0]) if len(held) == 1 else None,
        shares=shares,
        checks=(_one_arm_each(moved), _one_holdout(held), steady),
        unassigned=pc.count_distinct(decisions["customer_id"]).as_py() - int(is_first.sum()),
    )


def _shares(variant: np.ndarray, propensity: np.ndarray, held: np.ndarray) -> tuple[dict[str, float], Check]:
    """Return each variant's share, and whether the propensities are one such set of shares."""
    found = {str(name): np.unique(propensity[variant == name].round(9)) for name in np.unique(variant)}
    shares = {name: float(values[0]) for name, values in found.items()}
    total = sum(shares.values())
    steady = all(len(values) == 1 for values in found.values()) and total <= 1 + 1e-6
    sentence = "one share per arm" if steady else "the arms' shares changed during the campaign, or are not shares"
    check = Check("shares", steady, None, sentence)
    if not steady:
        return {
            name: count / len(variant) for name, count in zip(*np.unique(variant, return_counts=True), strict=True)
        }, check
    if total < 1 - 1e-6:
        # An empty arm has no row; the test of the sizes has to see its share.
        shares["(empty arm)"] = 1 - total
    return shares, check


def _one_arm_each(moved: int) -> Check:
    sentence = "every customer is in one arm" if not moved else f"{moved:,} customers were in two arms"
    return Check("one arm each", not moved, None, sentence)


def _one_holdout(held: np.ndarray) -> Check:
    passed = len(held) <= 1
    sentence = "one hold-out" if passed else f"the variants {', '.join(held)} are all marked as hold-out"
    return Check("one hold-out", passed, None, sentence)
