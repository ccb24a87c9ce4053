"""Step 4: the slots of recommended products and of an offer, the budget, and the expected value of a message."""

from typing import Any

from starlette.datastructures import FormData

from console.pages.campaigns.steps.forms import Fields, number, percent, put, text
from console.pages.campaigns.steps.step import Step
from marketing.campaigns.definition.campaign import Value
from settings import Settings

TIMES = {
    "message": "nothing: every message counts the same",
    "audience": "the probability of buying the audience's item",
    "trigger": "the trigger's probability",
    "order_7d": "the probability of an order within a week",
    "order_14d": "the probability of an order within two weeks",
    "lapse_4w": "the risk of no order in four weeks",
    "lapse_8w": "the risk of no order in eight weeks",
    "offer": "the offer: its expected incremental margin",
}
"""Meanings of the values of `value.times`."""


def _apply(fields: Fields, form: FormData) -> None:
    slate, offer = text(form, "slate"), text(form, "offer")
    fields.pop("recommendations", None)
    fields.pop("offer", None)
    if slate:
        put(
            fields,
            "recommendations",
            {"slate": slate, "count": number(form, "count"), "least": number(form, "least")},
        )
    if offer:
        put(
            fields,
            "offer",
            {
                "coupon": "best" if offer == "best" else text(form, "coupon"),
                "face_value": number(form, "face_value"),
                "margin": number(form, "margin"),
                "max_existing_share": percent(form, "max_existing_share"),
            },
        )
    budget = ("messages", "money", "cost_per_message")
    put(fields, "budget", {name: number(form, f"budget_{name}") for name in budget})
    put(fields, "value", {"amount": number(form, "amount"), "times": text(form, "times")})


def _context(_: Settings, __: Fields) -> dict[str, Any]:
    return {"times": TIMES, "value_default": Value()}


STEP = Step("offer", "Offer and products", _apply, _context)
