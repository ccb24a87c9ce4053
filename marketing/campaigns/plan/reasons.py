"""Name the reasons for which an eligible customer gets no message; each decision that sends nothing has one."""

from collections.abc import Mapping
from enum import StrEnum

import numpy as np
import pyarrow as pa


class Reason(StrEnum):
    """Name the reason for which no message is sent."""

    NONE = ""
    NO_ADDRESS = "no_address"
    """No address is known for the channel."""
    NO_CONSENT = "no_consent"
    """The customer did not consent to the channel and the purpose; nothing known means no."""
    SUPPRESSION_LIST = "suppression_list"
    """The address bounced, or the customer unsubscribed or complained."""
    COOLDOWN = "cooldown"
    """The campaign decided about the customer within its `cooldown_days`."""
    NO_EVIDENCE = "not_enough_evidence"
    """The probability that the campaign's value is computed from is unknown."""
    NO_PRODUCTS = "too_few_products"
    """Fewer products than the slot needs; age-restricted ones do not count."""
    NO_OFFER = "no_offer"
    """No coupon is expected to earn more than it costs, or none fits into the budget."""
    NO_CONTENT = "no_content"
    """No content's filter matches the customer."""
    OUT_OF_TIME = "out_of_time"
    """The schedule ends before the quiet hours do."""
    GLOBAL_HOLD_OUT = "global_hold_out"
    """The customer is among those who get no message of this class from any campaign."""
    CAP = "frequency_cap"
    """The customer already got, or will get, as many messages of the class as the caps allow."""
    OTHER_CAMPAIGN = "other_campaign"
    """A campaign of higher expected value takes the last message that the caps allow."""
    BUDGET = "budget"
    """Customers of higher expected value use up the budget."""
    TEMPLATE = "template_failed"
    """A template cannot be rendered with this customer's values."""
    HOLDOUT = "hold_out"
    """The customer is in the hold-out: everything was decided, nothing is sent."""


BEFORE_GLOBAL_DRAW = (
    Reason.NO_ADDRESS, Reason.NO_CONSENT, Reason.SUPPRESSION_LIST, Reason.COOLDOWN, Reason.NO_CONTENT,
    Reason.NO_PRODUCTS, Reason.NO_OFFER, Reason.NO_EVIDENCE, Reason.OUT_OF_TIME,
)  # fmt: skip
"""Reasons that are asked before the global hold-out; a customer with another reason, or none, took part in its draw."""

REASONS = tuple(Reason)
CODE = {reason: code for code, reason in enumerate(REASONS)}

MEANINGS: Mapping[str, str] = {
    Reason.NO_ADDRESS: "no address for the channel",
    Reason.NO_CONSENT: "no consent to the channel and the purpose",
    Reason.SUPPRESSION_LIST: "on the suppression list",
    Reason.COOLDOWN: "had this campaign within its cooldown",
    Reason.NO_EVIDENCE: "no probability to value the message by",
    Reason.NO_PRODUCTS: "too few products for the slot",
    Reason.NO_OFFER: "no coupon worth offering within the budget",
    Reason.NO_CONTENT: "no content's filter matches",
    Reason.OUT_OF_TIME: "the campaign ends before a message may leave",
    Reason.GLOBAL_HOLD_OUT: "in the global hold-out, so no campaign writes to the customer",
    Reason.CAP: "the frequency caps allow no more",
    Reason.OTHER_CAMPAIGN: "a campaign of higher expected value takes the customer",
    Reason.BUDGET: "the budget is used up by customers of higher value",
    Reason.TEMPLATE: "a template failed",
}
"""Each reason in words, without the hold-out."""


class Reasons:
    """The reason of each row; the first one that applies stays."""

    def __init__(self, count: int):
        self.codes = np.zeros(count, np.int8)

    @property
    def is_open(self) -> np.ndarray:
        """Return whether each row has no reason yet, bool `[rows]`."""
        return np.asarray(self.codes == 0)

    def add(self, reason: Reason, applies: np.ndarray) -> None:
        """Give the reason to rows without one."""
        self.codes[self.is_open & applies] = CODE[reason]

    def texts(self) -> pa.Array:
        """Return the reasons as text."""
        names = pa.array([str(reason) for reason in REASONS])
        return pa.DictionaryArray.from_arrays(pa.array(self.codes), names).cast(pa.string())
