"""The models' inputs, computed from what is known of customers at a snapshot."""

import numpy as np

from ml.customers.predictions.bg_nbd import BgNbd
from ml.customers.predictions.history import Customers

OUTLOOK_WEEKS = 8
DECAY_WEEKS = (4, 10)


def behaviour(customers: Customers, bg_nbd: BgNbd) -> dict[str, np.ndarray]:
    """Return rhythm, recency, spend and basket habits, floats `[n]` by name.

    Counts since the first basket enter per week or per basket, because the history behind a snapshot grows.
    """
    profile, weeks_known, repeats = customers.profile, customers.weeks_known, customers.repeats
    baskets, spend = customers.baskets, customers.spend
    recent = baskets[:, :OUTLOOK_WEEKS]
    since_last, gap = profile["days_since_last_basket"], profile["gap_mean_days"]
    return {
        "bg_nbd_2w": bg_nbd.order_log_odds(repeats, 2.0),
        "bg_nbd_8w": bg_nbd.order_log_odds(repeats, 8.0),
        "baskets_per_week": np.log1p(profile["baskets"] / weeks_known),
        "baskets_1w": np.log1p(baskets[:, 0]),
        "baskets_2w": np.log1p(baskets[:, :2].sum(axis=1)),
        "baskets_4w": np.log1p(profile["baskets_4w"]),
        "baskets_8w": np.log1p(recent.sum(axis=1)),
        "baskets_13w": np.log1p(profile["baskets_13w"]),
        "baskets_per_recorded_week": np.log1p(baskets.mean(axis=1)),
        "active_weeks_8w": (recent > 0).mean(axis=1),
        "active_weeks": (baskets > 0).mean(axis=1),
        **{f"active_week_{week + 1}": (baskets[:, week] > 0).astype(float) for week in range(4)},
        "unevenness": np.log1p(recent.var(axis=1) / np.maximum(recent.mean(axis=1), 1 / OUTLOOK_WEEKS)),
        "rate_change": np.log1p(profile["baskets_4w"] / 4) - np.log1p(profile["baskets_13w"] / 13),
        "recency": np.log1p(since_last),
        "gap": np.log1p(gap),
        "overdue": np.log1p(since_last / np.maximum(gap, 1.0)),
        "spend_4w": np.log1p(profile["spend_4w"]),
        "spend_8w": np.log1p(spend[:, :OUTLOOK_WEEKS].sum(axis=1)),
        "spend_13w": np.log1p(profile["spend_13w"]),
        "basket_size": np.log1p(profile["basket_size_mean"]),
        "products_per_basket": np.log1p(profile["products"] / np.maximum(profile["baskets"], 1.0)),
        "new_product_share": profile["new_product_share_8w"],
        "discount_share": profile["discount_share"],
        "redemptions_per_week": np.log1p(profile["coupon_redemptions"] / weeks_known),
        "campaigns_per_week": np.log1p(profile["campaigns_received"] / weeks_known),
    }


def silences(customers: Customers) -> dict[str, np.ndarray]:
    """Return the silent weeks until now, the longest silence before, and their ratio, floats `[n]` by name."""
    active = customers.baskets > 0
    weeks = active.shape[1]
    now = np.where(active.any(axis=1), active.argmax(axis=1), weeks)
    run, longest = np.zeros(len(active)), np.zeros(len(active))
    for week in range(weeks):
        run = np.where(active[:, week], 0.0, run + 1)
        longest = np.where(week >= now, np.maximum(longest, run), longest)
    return {
        "silent_weeks": np.log1p(now),
        "longest_silent_weeks": np.log1p(longest),
        "silent_over_longest": np.log((now + 1) / (longest + 1)),
    }


SPEND_RULE = "spend_rate_13w"


def spend_rates(customers: Customers, bg_nbd: BgNbd) -> dict[str, np.ndarray]:
    """Return square roots of the spend of 8 weeks at the rates of several windows, floats `[n]` by name."""
    spend, weeks_known = customers.spend, customers.weeks_known
    recorded = np.minimum(spend.shape[1], np.ceil(weeks_known))
    ages = np.arange(spend.shape[1])
    rates = {
        "spend_rate_1w": spend[:, 0],
        "spend_rate_4w": spend[:, :4].mean(axis=1),
        "spend_rate_8w": spend[:, :OUTLOOK_WEEKS].mean(axis=1),
        SPEND_RULE: customers.profile["spend_13w"] / np.minimum(13.0, weeks_known),
        "spend_rate_recorded": spend.sum(axis=1) / recorded,
        **{
            f"spend_rate_decayed_{weeks}w": spend @ (np.exp(-ages / weeks) / np.exp(-ages / weeks).sum())
            for weeks in DECAY_WEEKS
        },
    }
    roots = {name: np.sqrt(np.maximum(rate, 0.0) * OUTLOOK_WEEKS) for name, rate in rates.items()}
    order = 1 - bg_nbd.no_purchase(customers.repeats, OUTLOOK_WEEKS)
    return roots | {"order_probability": order, "expected_spend": order * roots["spend_rate_recorded"]}
