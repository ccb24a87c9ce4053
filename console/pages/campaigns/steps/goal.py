"""Step 2: the goal, customers likely to buy something, the trigger, and when the campaign runs."""

from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from starlette.datastructures import FormData

from console.pages.campaigns.definition.words import TRIGGERS
from console.pages.campaigns.steps.forms import Fields, clock, day, number, percent, put, text
from console.pages.campaigns.steps.step import Step, settle_audience
from console.pages.published_audiences import opened_audiences
from marketing.audience.saved import saved_audiences
from marketing.campaigns.definition.campaign import Audience
from marketing.campaigns.policy.contact_policy import load_contact_policy
from marketing.campaigns.targets.targets import items_of
from marketing.campaigns.triggers import definitions
from marketing.campaigns.triggers.definitions import Trigger
from marketing.errors import MarketingError, ScoresError
from settings import Settings

ITEMS = ("category", "products", "coupon")
COUPONS = "coupons.parquet"
SAVED = "saved:"
"""Begins the choice of a saved audience, before its name."""


def trigger_types() -> dict[str, Any]:
    """Return the sections of the triggers by type."""
    (union, *_) = get_args(Trigger)
    return {get_args(section.model_fields["type"].annotation)[0]: section for section in get_args(union)}


def trigger_inputs(kind: str, values: Fields) -> list[dict[str, Any]]:
    """Return the inputs of one trigger: name, choices, whether it is a number, and the value or its default."""
    section = trigger_types().get(kind)
    fields = {} if section is None else {name: one for name, one in section.model_fields.items() if name != "type"}
    return [_input(name, one, values.get(name)) for name, one in fields.items()]


def _input(name: str, field: FieldInfo, value: Any) -> dict[str, Any]:
    default = None if field.default is PydanticUndefined else field.default
    shown = default if value is None else value
    return {
        "name": name,
        "label": name.replace("_", " "),
        "choices": get_args(field.annotation) if get_origin(field.annotation) is Literal else (),
        "value": "\n".join(shown) if isinstance(shown, list | tuple) else shown,
        "is_list": get_origin(field.annotation) is tuple,
        "default": default,
    }


def item_of(form: FormData) -> dict[str, Any]:
    """Return the part of the audience that a form names an item by: a saved audience, or an item and its limits."""
    kind, names = text(form, "item"), text(form, "item_names")
    if kind.startswith(SAVED):
        return {"saved": kind.removeprefix(SAVED)}
    if kind not in ITEMS or not names:
        return {}
    found: dict[str, Any] = {kind: names if kind != "products" else names.replace(",", " ").split()}
    buyers = text(form, "buyers")
    found |= {"buyers": buyers if buyers != "both" else None, "size": number(form, "size")}
    return found | {"min_probability": percent(form, "min_probability")}


def _apply(fields: Fields, form: FormData) -> None:
    for name in ("goal", "channel", "message_class", "purpose"):
        fields[name] = text(form, name)
    put(fields, "audience", dict.fromkeys((*ITEMS, "saved", "buyers", "size", "min_probability")) | item_of(form))
    kind = text(form, "trigger")
    fields.pop("trigger", None)
    if kind:
        put(fields, "trigger", {"type": kind, **_trigger(kind, form)})
    put(
        fields,
        "schedule",
        {
            "starts": day(form, "starts"),
            "ends": day(form, "ends"),
            "every_days": number(form, "every_days"),
            "send_at": clock(form, "send_at"),
            "valid_hours": number(form, "valid_hours"),
        },
    )
    settle_audience(fields)


def _trigger(kind: str, form: FormData) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in trigger_inputs(kind, {}):
        name = f"trigger_{one['name']}"
        if one["is_list"]:
            found[one["name"]] = [line.strip() for line in text(form, name).splitlines() if line.strip()]
        elif one["name"] in ("file", "column"):
            found[one["name"]] = text(form, name)
        else:
            value = number(form, name)
            found[one["name"]] = value if value != one["default"] else None
    return found


def _context(settings: Settings, fields: Fields) -> dict[str, Any]:
    policy, trigger = load_contact_policy(settings.contact_policy), dict(fields.get("trigger") or {})
    audience = dict(fields.get("audience") or {})
    kind = next((name for name in ITEMS if audience.get(name)), "")
    names = audience.get(kind, "")
    return {
        "policy": policy,
        "triggers": TRIGGERS,
        "trigger": trigger,
        "trigger_inputs": trigger_inputs(str(trigger.get("type", "")), trigger),
        "item": f"{SAVED}{audience['saved']}" if audience.get("saved") else kind,
        "saved": [one.name for one in saved_audiences(settings.paths.audiences) if one.question],
        "item_names": " ".join(names) if isinstance(names, list) else names,
        "with_products": definitions.WITH_PRODUCTS,
    }


def _faults(settings: Settings, fields: Fields) -> list[str]:
    audience = {name: value for name, value in dict(fields.get("audience") or {}).items() if name in ITEMS}
    if not audience:
        return []
    try:
        index, _ = opened_audiences(settings)
        items_of(Audience.model_validate(audience), index, settings.paths.admitted / COUPONS)
    except ScoresError:
        return []  # the names are checked as soon as scores are published
    except MarketingError as error:
        return [str(error)]
    return []


STEP = Step("goal", "Goal and time", _apply, _context, _faults)
