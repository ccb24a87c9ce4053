"""Turn the columns of pairs into the inputs of the two models."""

import numpy as np

from ml.customers.offers.pairs import Pairs

WIDE_PRODUCTS = 200
"""A coupon for more products than this is good for almost anything its customers buy."""

PAIR_INPUTS = (
    *("own_spend_13w", "own_baskets_13w", "own_baskets_4w", "own_baskets", "own_spend", "own_recency"),
    *("is_new", "was_never_bought", "own_spend_rank", "own_basket_share", "own_price"),
    *("category_baskets", "category_share"),
    *("products", "is_wide", "buyers", "baskets", "sales", "price"),
    *("own_baskets_by_products", "own_spend_by_products"),
    *("seen_rate", "was_seen"),
)
"""Inputs of the choice of a coupon."""

CONTACT_INPUTS = (
    *("spend_13w", "baskets_13w", "baskets_4w", "recency", "products"),
    *("coupons_redeemed", "coupons_redeemed_13w", "campaigns_redeemed", "campaigns_before", "redeemed_share"),
    *("has_redeemed", "coupons", "own_coupons", "own_baskets", "own_spend", "attraction"),
)
"""Inputs of whether a contact redeems, before those of the campaign's type."""


def pair_inputs(pairs: Pairs) -> np.ndarray:
    """Return the inputs of every pair, float `[pairs, PAIR_INPUTS]`."""
    of = pairs.columns
    log = np.log1p
    contact, count = pairs.contact, len(pairs.customers)
    ever, recent_baskets = of["own_baskets"], of["own_baskets_13w"]
    wide = log(of["coupon_products"])
    return np.column_stack(
        [
            log(of["own_spend_13w"]),
            log(recent_baskets),
            log(of["own_baskets_4w"]),
            log(ever),
            log(of["own_spend"]),
            np.where(ever > 0, np.exp(-of["own_days_since_last"] / 30), 0.0),
            recent_baskets == 0,
            ever == 0,
            -log(_ranks(pairs, of["own_spend_13w"])),
            recent_baskets / (np.bincount(contact, recent_baskets, count)[contact] + 1),
            log(of["own_spend_13w"] / np.maximum(recent_baskets, 1)),
            log(of["category_baskets_13w"]),
            of["category_share"],
            wide,
            of["coupon_products"] > WIDE_PRODUCTS,
            log(of["coupon_buyers_13w"]),
            log(of["coupon_baskets_13w"]),
            log(np.maximum(of["coupon_sales_13w"], 0)),
            log(np.maximum(of["coupon_sales_13w"], 0) / np.maximum(of["coupon_baskets_13w"], 1)),
            log(recent_baskets) * wide,
            log(of["own_spend_13w"]) * wide,
            np.log((of["seen_redemptions"] + 0.3) / (of["seen_contacts"] + 100)),
            of["seen_contacts"] > 0,
        ]
    ).astype(np.float64)


def contact_inputs(pairs: Pairs, attraction: np.ndarray) -> np.ndarray:
    """Return the inputs of every contact, float `[contacts, CONTACT_INPUTS]`.

    Args:
        pairs: the pairs of the contacts.
        attraction: the log of the sum of the coupons' attractions, which the choice model gives each contact.
    """
    of = {name: values[pairs.starts] for name, values in pairs.columns.items()}
    contact, count = pairs.contact, len(pairs.customers)
    log = np.log1p

    def total(values: np.ndarray) -> np.ndarray:
        return np.asarray(log(np.bincount(contact, values, count)))

    return np.column_stack(
        [
            log(np.maximum(of["total_spend_13w"], 0)),
            log(of["total_baskets_13w"]),
            log(of["total_baskets_4w"]),
            np.exp(-of["days_since_last_basket"] / 30),
            log(of["total_products"]),
            log(of["coupons_redeemed"]),
            log(of["coupons_redeemed_13w"]),
            log(of["campaigns_redeemed"]),
            log(of["campaigns_before"]),
            (of["campaigns_redeemed"] + 0.1) / (of["campaigns_before"] + 1),
            of["coupons_redeemed"] > 0,
            total(np.ones(len(contact))),
            total(pairs.columns["own_baskets_13w"] > 0),
            total(pairs.columns["own_baskets_13w"]),
            total(np.maximum(pairs.columns["own_spend_13w"], 0)),
            attraction,
        ]
    ).astype(np.float64)


def _ranks(pairs: Pairs, values: np.ndarray) -> np.ndarray:
    """Return each pair's rank among its contact's, the largest value first; equal values share their mean rank."""
    order = np.lexsort((-values, pairs.contact))
    contact, sorted_values = pairs.contact[order], values[order]
    new = np.ones(len(order), bool)
    new[1:] = (contact[1:] != contact[:-1]) | (sorted_values[1:] != sorted_values[:-1])
    group = np.cumsum(new) - 1
    ranks = np.arange(len(order)) - pairs.starts[contact] + 1.0
    means = np.bincount(group, ranks) / np.bincount(group)
    result = np.empty(len(order))
    result[order] = means[group]
    return result
