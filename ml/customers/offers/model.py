"""The fitted models of offers, their calibration, and their file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from ml.customers.offers.choice_model import ChoiceModel, own_spend_rule, shares, total_attraction
from ml.customers.offers.logistic import Logistic
from ml.customers.offers.pair_features import CONTACT_INPUTS, PAIR_INPUTS, contact_inputs, pair_inputs
from ml.customers.offers.pairs import Pairs

FILE = "offers.json"
CHOICE_PENALTY = 10.0
CONTACT_PENALTY = 10.0
CALIBRATION_PENALTY = 0.1


@dataclass(frozen=True)
class Prediction:
    """What the models expect.

    Attributes:
        contacts: probability that a contact redeems at least one coupon.
        pairs: probability that it redeems this coupon.
        attraction: by which a contact's coupons are ranked.
    """

    contacts: np.ndarray
    pairs: np.ndarray
    attraction: np.ndarray


@dataclass(frozen=True)
class OfferModel:
    """Who redeems, which coupon, and how sure that is.

    The rule is "own spend on the coupon's products". Ranking and probability are decided apart: a list is read from
    its top, and an allocation needs the probability of every pair.

    Attributes:
        choice: attraction of a coupon to a customer.
        redeemer: whether a contact redeems.
        contact_calibration: corrects it per campaign type.
        pair_calibration: makes a probability of the contact's and the coupon's share.
        rule_calibration: the same with the rule in the place of `choice`.
        ranks_by_rule: whether the rule ranks the coupons of a customer.
        predicts_by_rule: whether the probabilities of pairs come from the rule.
    """

    choice: ChoiceModel
    redeemer: Logistic
    contact_calibration: Logistic
    pair_calibration: Logistic
    rule_calibration: Logistic
    ranks_by_rule: bool = False
    predicts_by_rule: bool = False

    @classmethod
    def fit(cls, fitted: Pairs, calibrating: Pairs, earlier: Pairs) -> "OfferModel":
        """Fit the models on `fitted`, and calibrate with predictions for campaigns that the models had not seen.

        Args:
            fitted: pairs of all closed campaigns.
            calibrating: pairs of the later ones of them.
            earlier: pairs of those that had closed before the later ones started.
        """
        before = cls._uncalibrated(earlier)
        raw, attraction = before._raw(calibrating)
        types, pair_types = calibrating.contact_type, calibrating.pair_type
        contact = Logistic.fit(_logit(raw)[:, None], types, calibrating.contact_redeemed > 0, CALIBRATION_PENALTY)
        contacts = contact.predict(_logit(raw)[:, None], types)
        pair, rule = (
            Logistic.fit(
                _of_pairs(calibrating, contacts, scores), pair_types, calibrating.redeemed, CALIBRATION_PENALTY
            )
            for scores in (attraction, _by_rule(calibrating))
        )
        return replace(
            cls._uncalibrated(fitted), contact_calibration=contact, pair_calibration=pair, rule_calibration=rule
        )

    @classmethod
    def _uncalibrated(cls, pairs: Pairs) -> "OfferModel":
        inputs = pair_inputs(pairs)
        choice = ChoiceModel.fit(inputs, pairs, CHOICE_PENALTY)
        attraction = choice.attraction(inputs)
        redeemer = Logistic.fit(
            contact_inputs(pairs, total_attraction(pairs, attraction)),
            pairs.contact_type,
            pairs.contact_redeemed > 0,
            CONTACT_PENALTY,
        )
        nothing = Logistic(0.0, {}, [], [], [])
        return cls(choice, redeemer, nothing, nothing, nothing)

    def predict(self, pairs: Pairs) -> Prediction:
        """Return the calibrated probabilities of contacts and pairs, and the ranking of coupons."""
        raw, attraction = self._raw(pairs)
        contacts = self.contact_calibration.predict(_logit(raw)[:, None], pairs.contact_type)
        rule = _by_rule(pairs)
        calibration, scores = (
            (self.rule_calibration, rule) if self.predicts_by_rule else (self.pair_calibration, attraction)
        )
        found = calibration.predict(_of_pairs(pairs, contacts, scores), pairs.pair_type)
        return Prediction(contacts, found, rule if self.ranks_by_rule else attraction)

    def _raw(self, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
        attraction = self.choice.attraction(pair_inputs(pairs))
        inputs = contact_inputs(pairs, total_attraction(pairs, attraction))
        return self.redeemer.predict(inputs, pairs.contact_type), attraction

    def write(self, folder: Path) -> None:
        """Write the coefficients as JSON, with the names of their inputs."""
        fields = {
            "ranks_by_rule": self.ranks_by_rule,
            "predicts_by_rule": self.predicts_by_rule,
            "pair_inputs": PAIR_INPUTS,
            "contact_inputs": CONTACT_INPUTS,
            "choice": {name: values.tolist() for name, values in asdict(self.choice).items()},
            "redeemer": self.redeemer.as_dict(),
            "contact_calibration": self.contact_calibration.as_dict(),
            "pair_calibration": self.pair_calibration.as_dict(),
            "rule_calibration": self.rule_calibration.as_dict(),
        }
        (folder / FILE).write_text(json.dumps(fields, indent=2))

    @classmethod
    def read(cls, folder: Path) -> "OfferModel":
        """Read what `write` wrote.

        Raises:
            ValueError: the model was fitted on other inputs than this code computes.
        """
        fields = json.loads((folder / FILE).read_text())
        if _other(fields["pair_inputs"], PAIR_INPUTS) or _other(fields["contact_inputs"], CONTACT_INPUTS):
            raise ValueError(f"{folder / FILE} was fitted on other inputs. Fit and register the model again.")
        return cls(
            ChoiceModel(**{name: np.array(values) for name, values in fields["choice"].items()}),
            Logistic(**fields["redeemer"]),
            Logistic(**fields["contact_calibration"]),
            Logistic(**fields["pair_calibration"]),
            Logistic(**fields["rule_calibration"]),
            fields["ranks_by_rule"],
            fields["predicts_by_rule"],
        )


def _other(found: Sequence[str], expected: Sequence[str]) -> bool:
    return list(found) != list(expected)


def _by_rule(pairs: Pairs) -> np.ndarray:
    return np.asarray(np.log1p(np.maximum(own_spend_rule(pairs), 0)))


def _logit(probability: np.ndarray) -> np.ndarray:
    clipped = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def _of_pairs(pairs: Pairs, contacts: np.ndarray, attraction: np.ndarray) -> np.ndarray:
    share = np.log(np.maximum(shares(pairs, attraction), 1e-12))
    return np.column_stack([_logit(contacts)[pairs.contact], share])
