"""The part `offers` of the customer model: fitted on closed campaigns, evaluated once on the newest of them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from ml.customers.inputs import Inputs
from ml.customers.offers.choice_model import own_spend_rule
from ml.customers.offers.measures import (
    auc,
    calibration_error,
    lists_by_own_baskets,
    lists_with_new_pairs,
    mean_measure,
    measure,
    ndcg,
    new_share,
    top_share,
)
from ml.customers.offers.model import OfferModel, Prediction
from ml.customers.offers.pairs import Campaign, Pairs, closed_campaigns, closed_pairs
from ml.customers.offers.published import publish
from ml.customers.part import Decision, Measure, Verdict
from ml.errors import NotEnoughDataError

logger = logging.getLogger(__name__)

WINDOW = timedelta(weeks=13)
"""Campaigns that started in it and are closed are the newest ones: they evaluate, or calibrate while fitting."""

MIN_REDEEMERS = 30
"""Contacts with a redemption that fitting and evaluating need each."""

TABLES = ("feat_customer_offers", "feat_campaign_coupons", "feat_customer_redemptions")
BARS = {"redeemer_auc": 0.80, "redeemer_top_decile": 0.40, "coupon_ndcg_10": 0.50, "new_pairs": 0.17}


@dataclass(frozen=True)
class _Split:
    """Closed campaigns by what they are for; a campaign may be in more than one."""

    fitted: set[str]
    calibrating: set[str]
    earlier: set[str]
    newest: set[str]


@dataclass(frozen=True)
class _Leads:
    """By how much the model is better than the rule.

    Attributes:
        ranking: in NDCG@10.
        probability: in the log loss of a contact's pairs.
    """

    ranking: Measure
    probability: Measure


@dataclass(frozen=True)
class _Lists:
    """Which pairs are in lists of three coupons per contact, bool `[pairs]`.

    Attributes:
        by_own_baskets: the coupons with most own baskets of 13 weeks.
        with_new_pairs: as many new pairs as possible, with as many redemptions expected.
    """

    by_own_baskets: np.ndarray
    with_new_pairs: np.ndarray

    @classmethod
    def of(cls, pairs: Pairs, prediction: Prediction) -> "_Lists":
        """Return the lists of these pairs."""
        rule = lists_by_own_baskets(pairs)
        return cls(rule, lists_with_new_pairs(pairs, prediction.pairs, float(prediction.pairs[rule].sum())))


class OffersPart:
    """Who redeems a campaign's coupons, and which coupon for whom."""

    name = "offers"

    def fit(self, inputs: Inputs, folder: Path) -> Verdict:
        """Fit on the earlier closed campaigns, evaluate once on the newest ones, and write the coefficients.

        Raises:
            NotEnoughDataError: there are no campaigns, or too few of their customers redeemed.
        """
        if missing := [table for table in TABLES if not inputs.has(table)]:
            raise NotEnoughDataError(f"The publication lacks {', '.join(missing)}. Run 'make features' again.")
        with inputs.connect() as connection:
            campaigns = closed_campaigns(connection)
            if not campaigns:
                raise NotEnoughDataError(
                    f"No campaign that a customer received had closed before {inputs.now:%Y-%m-%d}, so nothing is "
                    "known of who redeems. Bring the tables campaigns, coupons and redemptions."
                )
            pairs = closed_pairs(connection, campaigns)
        split = _split(campaigns, inputs)
        fitted, newest = pairs.of_campaigns(split.fitted), pairs.of_campaigns(split.newest)
        calibrating, earlier = pairs.of_campaigns(split.calibrating), pairs.of_campaigns(split.earlier)
        _require_redeemers(fitted, "to fit on")
        _require_redeemers(newest, "to evaluate on")
        if min(_redeemers(calibrating), _redeemers(earlier)) < MIN_REDEEMERS:
            calibrating = earlier = fitted
            logger.info(
                "Too few earlier campaigns: the probabilities are calibrated on what the models were fitted on."
            )
        model = OfferModel.fit(fitted, calibrating, earlier)
        leads = _leads(newest, model, inputs.seed)
        model = replace(
            model, ranks_by_rule=not _is_shown(leads.ranking), predicts_by_rule=not _is_shown(leads.probability)
        )
        prediction = model.predict(newest)
        lists = _Lists.of(newest, prediction)
        measures = _measures(newest, prediction, lists, inputs.seed)
        model.write(folder)
        for name, each in measures.items():
            logger.info("%s %.3f [%.3f, %.3f]", name, each.value, each.low or 0, each.high or 0)
        first = min(campaign.at for campaign in campaigns if campaign.campaign_id in split.newest)
        return Verdict(
            decision=Decision.RULE if model.ranks_by_rule else Decision.MODEL,
            reasons=_reasons(leads, measures, newest, split),
            measures=measures,
            until=first.date(),
            tables=_tables(newest, prediction, lists, inputs.seed),
        )

    def score(self, inputs: Inputs, folder: Path, published: Path) -> None:
        """Write the offers of the campaigns that run at `inputs.now`; empty tables if none runs."""
        publish(inputs, OfferModel.read(folder), published)


def _split(campaigns: Sequence[Campaign], inputs: Inputs) -> _Split:
    """Split the closed campaigns by time.

    Raises:
        NotEnoughDataError: no campaign closed before the newest ones started.
    """
    newest = [campaign for campaign in campaigns if campaign.at >= inputs.now - WINDOW]
    if not newest:
        raise NotEnoughDataError(
            f"No campaign of the 13 weeks before {inputs.now:%Y-%m-%d} has closed, so there is nothing to evaluate on."
        )
    fitted = _closed_before(campaigns, newest)
    calibrating = [campaign for campaign in fitted if campaign.at >= newest[0].at - WINDOW] or fitted[-1:]
    earlier = [each for each in fitted if each.closes_at <= calibrating[0].at]
    return _Split(_ids(fitted), _ids(calibrating), _ids(earlier), _ids(newest))


def _closed_before(campaigns: Sequence[Campaign], later: Sequence[Campaign]) -> list[Campaign]:
    found = [campaign for campaign in campaigns if campaign.closes_at <= min(each.at for each in later)]
    if not found:
        raise NotEnoughDataError(
            f"No campaign had closed before {later[0].campaign_id} started on {later[0].at:%Y-%m-%d}. Fitting needs "
            "campaigns one after another."
        )
    return found


def _ids(campaigns: Sequence[Campaign]) -> set[str]:
    return {campaign.campaign_id for campaign in campaigns}


def _redeemers(pairs: Pairs) -> int:
    return int((pairs.contact_redeemed > 0).sum())


def _require_redeemers(pairs: Pairs, purpose: str) -> None:
    redeemers = _redeemers(pairs)
    if redeemers < MIN_REDEEMERS:
        raise NotEnoughDataError(
            f"Not enough to tell: {redeemers} contacts of closed campaigns redeemed a coupon {purpose}, and "
            f"{MIN_REDEEMERS} are needed."
        )


def _is_shown(lead: Measure) -> bool:
    return lead.low is not None and lead.low > 0


def _leads(pairs: Pairs, model: OfferModel, seed: int) -> _Leads:
    """Return by how much the model ranks coupons and predicts redemptions better than the rule, paired."""
    found = model.predict(pairs)
    rule = replace(model, ranks_by_rule=True, predicts_by_rule=True).predict(pairs)
    losses = _losses(pairs, rule.pairs) - _losses(pairs, found.pairs)
    return _Leads(
        mean_measure(pairs.customers, ndcg(pairs, found.attraction) - ndcg(pairs, rule.attraction), seed),
        mean_measure(pairs.customers, losses, seed),
    )


def _losses(pairs: Pairs, predicted: np.ndarray) -> np.ndarray:
    """Return the log loss of each contact's pairs, summed."""
    likelihood = np.log(np.where(pairs.redeemed, predicted, 1 - predicted))
    return np.asarray(np.bincount(pairs.contact, -likelihood, len(pairs.customers)))


def _measures(pairs: Pairs, prediction: Prediction, lists: _Lists, seed: int) -> dict[str, Measure]:
    redeemed = pairs.contact_redeemed > 0
    scores, customers = prediction.contacts, pairs.customers
    return {
        "redeemer_auc": measure(customers, auc(scores, redeemed), seed, BARS["redeemer_auc"]),
        "redeemer_top_decile": measure(customers, top_share(scores, redeemed), seed, BARS["redeemer_top_decile"]),
        "coupon_ndcg_10": mean_measure(customers, ndcg(pairs, prediction.attraction), seed, BARS["coupon_ndcg_10"]),
        "new_pairs": new_share(pairs, lists.with_new_pairs, seed, BARS["new_pairs"]),
    }


def _reasons(leads: _Leads, measures: Mapping[str, Measure], pairs: Pairs, split: _Split) -> list[str]:
    size = f"{len(pairs.customers):,} contacts of {len(split.newest)} campaigns"
    chosen = f"{int((pairs.contact_redeemed > 0).sum()):,} of which redeemed"
    found = []
    for what, unit, lead in (
        ("ranks coupons", "NDCG@10", leads.ranking),
        ("gives the probability of a pair", "log loss per contact", leads.probability),
    ):
        served = "The model" if _is_shown(lead) else "Own spend on a coupon's products"
        why = "" if _is_shown(lead) else ", because the model is not shown to be better"
        found.append(
            f"{served} {what}{why}: {unit} differs by {lead.value:+.3f} [{lead.low:+.3f}, {lead.high:+.3f}] in favour "
            f"of the model, {size}, {chosen}."
        )
    for name, each in measures.items():
        if not each.is_met:
            found.append(f"{name} is {each.value:.3f}, below its bar of {each.bar:g}.")
    return found


def _tables(
    pairs: Pairs, prediction: Prediction, lists: _Lists, seed: int
) -> dict[str, list[dict[str, str | float | None]]]:
    redeemed = pairs.contact_redeemed > 0
    is_new = pairs.columns["own_baskets_13w"] == 0
    by_rule = ndcg(pairs, own_spend_rule(pairs))
    by_model = ndcg(pairs, prediction.attraction)
    rows: list[dict[str, str | float | None]] = []
    for number, campaign in enumerate(pairs.campaigns):
        here = pairs.contact_campaign == number
        if here.any():
            some = bool(redeemed[here].any())
            rows.append(
                {
                    "campaign": campaign.campaign_id,
                    "type": campaign.type,
                    "contacts": int(here.sum()),
                    "redeemed": float(redeemed[here].mean()),
                    "expected": float(prediction.contacts[here].mean()),
                    "redeemer AUC": auc(prediction.contacts[here], redeemed[here])(np.ones(here.sum()))
                    if some
                    else None,
                    "NDCG@10": float(np.nanmean(by_model[here])) if some else None,
                    "NDCG@10 of own spend": float(np.nanmean(by_rule[here])) if some else None,
                }
            )
    compared: list[dict[str, str | float | None]] = [
        {
            "three coupons per customer": name,
            "new pairs": float(is_new[chosen].mean()),
            "redemptions expected": float(prediction.pairs[chosen].sum()),
            "redemptions": float(pairs.redeemed[chosen].sum()),
            "redemptions of new pairs": float(pairs.redeemed[chosen & is_new].sum()),
        }
        for name, chosen in (
            ("by own baskets", lists.by_own_baskets),
            ("more new pairs, as many redemptions expected", lists.with_new_pairs),
        )
    ]
    calibrated: list[dict[str, str | float | None]] = [
        {"calibration error": name, "value": calibration_error(predicted, outcome)}
        for name, predicted, outcome in (
            ("contact redeems", prediction.contacts, redeemed),
            ("pair is redeemed", prediction.pairs, pairs.redeemed),
            ("new pair is redeemed", prediction.pairs[is_new], pairs.redeemed[is_new]),
        )
    ]
    by_spend = mean_measure(pairs.customers, by_rule, seed)
    ranked: list[dict[str, str | float | None]] = [
        {"NDCG@10": "own spend on the coupon's products", "value": by_spend.value, "low": by_spend.low,
         "high": by_spend.high},
    ]  # fmt: skip
    return {"campaigns": rows, "new pairs": compared, "calibration": calibrated, "which coupon": ranked}
