"""Allot coupons under a budget: the expected margin, the price of the budget, and the share of existing buyers."""

from math import ceil
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.errors import ConsoleError
from console.web.charts import Bar, bar_chart, ticks
from console.web.console import Console, user_of
from marketing.errors import MarketingError
from marketing.offers.budget import largest_budget
from marketing.offers.coupon_categories import coupon_categories
from settings import Settings

PER_CUSTOMER, EXISTING_SHARE = 3, 0.3
STEPS = 100
"""Positions of the slider, about."""

COLOURS = ("to new buyers", "to customers who already buy")
MARGIN = "expected incremental margin"


def endpoints(console: Console) -> list[Route]:
    """Return the endpoints of the page, of the allocation, and of its result."""
    settings = console.settings

    async def page(request: Request) -> Response:
        return console.pages.render(request, "offers/offers.html", {"form_path": "/offers/form", "found": None})

    async def result(request: Request) -> Response:
        command_id = request.path_params["command_id"]
        found = await run_in_threadpool(_shown, settings, result_of(request, command_id))
        context = {"form_path": f"/offers/form?result={command_id}", "found": found}
        return console.pages.render(request, "offers/offers.html", context)

    async def part(request: Request) -> Response:
        """Return the result alone, for the step of a campaign that chose offers."""
        found = await run_in_threadpool(_shown, settings, result_of(request, request.path_params["command_id"]))
        return console.pages.render(request, "offers/_result.html", {"found": found})

    async def form(request: Request) -> Response:
        """Return the form, with the values of an earlier result if there is one."""
        command_id = request.query_params.get("result")
        found = result_of(request, command_id) if command_id else None
        try:
            slider = await run_in_threadpool(_slider, settings)
        except MarketingError as error:
            return console.pages.render(request, "offers/_nothing.html", {"problem": str(error)})
        asked: dict[str, Any] = {"budget": ceil(slider["most"] / 4), "per_customer": PER_CUSTOMER}
        asked |= {"max_existing_share": EXISTING_SHARE, "face_value": None, "margin": None}
        if found is not None:
            asked |= found["asked"] | {"budget": found.get("budget", asked["budget"])}
        return console.pages.render(request, "offers/_form.html", {"slider": slider, "asked": asked})

    def result_of(request: Request, command_id: str) -> dict[str, Any]:
        command = console.commands.find(command_id, user_of(request).name)
        if command.result is None:
            raise ConsoleError(command.problem or "The allocation is under way. Open this page again in a while.")
        found: dict[str, Any] = command.result
        return found

    async def allot(request: Request) -> Response:
        form = await request.form()
        budget = _number(form, "budget")
        arguments = ["marketing", "offers", "--budget", str(budget)]
        arguments += ["--per-customer", str(int(_number(form, "per_customer")))]
        arguments += ["--max-existing-share", str(_number(form, "max_existing_share") / 100)]
        for name in ("face_value", "margin"):
            if str(form.get(name, "")).strip():
                arguments += [f"--{name.replace('_', '-')}", str(_number(form, name))]
        command = console.commands.start(arguments, f"Allot coupons for {budget:,.0f}", user_of(request).name)
        command.next_path = f"/offers/results/{command.command_id}"
        return console.progress(request, command)

    return [
        Route("/offers", page),
        Route("/offers", allot, methods=["POST"]),
        Route("/offers/form", form),
        Route("/offers/results/{command_id}", result),
        Route("/offers/parts/{command_id}", part),
    ]


def _slider(settings: Settings) -> dict[str, float]:
    """Return the largest budget and the step of the slider, both round."""
    steps = ticks(max(1.0, largest_budget(settings.paths.customers, PER_CUSTOMER)))
    return {"most": ceil(steps[-1]), "step": max(1, round((steps[1] - steps[0]) * (len(steps) - 1) / STEPS))}


def _shown(settings: Settings, found: dict[str, Any]) -> dict[str, Any]:
    """Return the result as the page shows it."""
    margin, more = found.get(MARGIN), found.get(f"{MARGIN} with a budget that is 100 larger")
    categories = coupon_categories(settings.paths.admitted, [str(one["coupon"]) for one in found["coupons"]])
    coupons = [
        {**one, "category": categories.get(str(one["coupon"])), "label": f"{one['coupon']} in {one['campaign']}"}
        for one in found["coupons"]
    ]
    bars = [
        Bar(one["label"], one["offers"], f"{one['offers']:,}", one["offers"] - one["to new buyers"]) for one in coupons
    ]
    named = ", ".join(f"{one['label']} {one['offers']:,} times" for one in coupons[:3])
    return {
        "offers": found["offers"],
        "customers": found["customers"],
        "redemptions": found["expected redemptions"],
        "existing": found["share of offers to customers who already buy"],
        "budget": found.get("budget"),
        "face_value": found.get("face value of all offers"),
        "cost": found.get("expected cost of redemptions"),
        "margin": margin,
        "bound": found.get("no other choice earns more than"),
        "more": None if margin is None or more is None else more - margin,
        "without_share": found.get(f"{MARGIN} without the limit on existing buyers"),
        "without_limit": found.get(f"{MARGIN} without the limit per customer"),
        "notes": found["notes"],
        "first": found["first offers"],
        "coupons": coupons,
        "chart": bar_chart("Offers by coupon and campaign", f"The coupons offered most are {named}.", bars, COLOURS)
        if bars
        else None,
    }


def _number(form: FormData, name: str) -> float:
    text = str(form.get(name, "")).strip()
    try:
        return float(text)
    except ValueError:
        raise ConsoleError(f"The {name.replace('_', ' ')} '{text}' is not a number.") from None
