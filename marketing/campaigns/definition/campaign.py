"""Define what a campaign's file holds; every section is checked and unknown fields are errors."""

from datetime import date, time
from typing import Literal

from pydantic import Field, field_validator, model_validator

from core.toml.sections import Name, Section, Sentence, Share
from marketing.audience.question import Buyers
from marketing.campaigns.triggers.definitions import WITH_PRODUCTS, Trigger


class Audience(Section):
    """Which customers; the conditions apply together.

    Attributes:
        everybody: all customers with scores; without other conditions this must be written.
        filter: a filter of `marketing/segments`.
        category: customers likely to buy from a category.
        products: customers likely to buy one of these products.
        coupon: customers likely to buy one of a coupon's products.
        saved: name of a saved audience, whose item and limits are filled in when the campaign is read.
        buyers: past buyers, new buyers or both, of the category, products or coupon.
        size: at most this many of them, the most likely first.
        min_probability: only customers with at least this probability of buying.
    """

    everybody: bool = False
    filter: str | None = None
    category: str | None = None
    products: tuple[str, ...] = ()
    coupon: str | None = None
    saved: Name | None = None
    buyers: Buyers = Buyers.BOTH
    size: int | None = Field(None, ge=1)
    min_probability: Share | None = None

    @model_validator(mode="after")
    def _one_item(self) -> "Audience":
        named = [name for name in ("category", "products", "coupon", "saved") if getattr(self, name)]
        if len(named) > 1:
            raise ValueError(
                f"{' and '.join(named)} are given together; write one of category, products, coupon and saved"
            )
        limits = [name for name in ("size", "min_probability") if getattr(self, name) is not None]
        limits += ["buyers"] if self.buyers is not Buyers.BOTH else []
        if limits and not named:
            raise ValueError(f"{limits[0]} limits the audience of an item; add category, products or coupon")
        if limits and self.saved:
            raise ValueError(f"{limits[0]} is a part of the saved audience '{self.saved}'; remove it here")
        if self.everybody and (named or self.filter):
            raise ValueError("everybody = true stands alone; remove it, or remove the other conditions")
        return self

    @property
    def has_item(self) -> bool:
        """Return whether customers are ordered by their probability of buying something."""
        return bool(self.category or self.products or self.coupon or self.saved)


class Schedule(Section):
    """When the campaign runs; times are local to the customer.

    Attributes:
        starts: the first day; None: at once.
        ends: the last day, included; None: until it is stopped.
        every_days: without a trigger, everybody in the audience again after this many days; None: once.
        send_at: the earliest time of day.
        valid_hours: a message that was not sent within these hours is not sent at all.
    """

    starts: date | None = None
    ends: date | None = None
    every_days: int | None = Field(None, ge=1)
    send_at: time | None = None
    valid_hours: int = Field(48, ge=1, le=24 * 28)

    @model_validator(mode="after")
    def _ordered(self) -> "Schedule":
        if self.starts and self.ends and self.ends < self.starts:
            raise ValueError(f"ends = {self.ends} lies before starts = {self.starts}")
        if self.every_days and not self.starts:
            raise ValueError("every_days counts from starts; add starts, such as starts = 2018-01-01")
        return self


class Recommendations(Section):
    """A slot of recommended products: `products` in the templates.

    Attributes:
        slate: all, explore for products never bought, or trigger for those of the trigger.
        count: products per message at most.
        least: a customer with fewer products gets no message.
    """

    slate: Literal["all", "explore", "trigger"] = "all"
    count: int = Field(3, ge=1, le=20)
    least: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> "Recommendations":
        if self.least > self.count:
            raise ValueError(f"least = {self.least} is above count = {self.count}")
        return self


class Offer(Section):
    """A slot for a coupon: `offer` in the templates.

    Attributes:
        coupon: a coupon's id, or `best` for each customer's best one under the budget.
        face_value: what a coupon of unknown worth costs when it is redeemed.
        margin: what the shop earns on what is bought with it.
        max_existing_share: share of offers to customers who already buy the coupon's products at most.
    """

    coupon: str = "best"
    face_value: float | None = Field(None, gt=0)
    margin: float | None = None
    max_existing_share: Share = 0.3

    @model_validator(mode="after")
    def _both(self) -> "Offer":
        if (self.face_value is None) != (self.margin is None):
            raise ValueError("face_value and margin go together; write both or none")
        return self


class Content(Section):
    """The message for one segment of the audience.

    Attributes:
        name: for people and reports.
        filter: which customers; None: all that no content above took.
        subject, text, html: templates; html is optional.
    """

    name: Name
    filter: str | None = None
    subject: Sentence
    text: str = Field(min_length=1)
    html: str | None = Field(None, min_length=1)


class Experiment(Section):
    """How the campaign is measured; fixed before it starts.

    Attributes:
        holdout: share of the eligible customers who get nothing.
        metric: the primary metric.
        looks: days on which results are looked at.
    """

    holdout: float = Field(0.1, ge=0, lt=1)
    metric: Literal["conversion", "spend", "visits", "retention"] = "spend"
    looks: tuple[date, ...] = ()

    @field_validator("metric", mode="before")
    @classmethod
    def _not_clicks(cls, metric: object) -> object:
        if metric == "clicks":
            raise ValueError(
                "The hold-out gets no message to click on, so clicks cannot decide. They are counted anyway; write "
                "conversion, spend, visits or retention"
            )
        return metric

    @model_validator(mode="after")
    def _ascending(self) -> "Experiment":
        if list(self.looks) != sorted(set(self.looks)):
            raise ValueError("looks must be different days in ascending order")
        return self


class Value(Section):
    """The expected value of a message; it decides which of several campaigns gets a customer.

    Attributes:
        amount: money per conversion.
        times: the probability that it is multiplied by: of buying the audience's item (`audience`), of the
            trigger (`trigger`), a prediction such as `order_14d`, or 1 (`message`). With `offer`, the expected
            incremental margin replaces both.
    """

    amount: float = Field(1.0, ge=0)
    times: Literal["message", "audience", "trigger", "order_7d", "order_14d", "lapse_4w", "lapse_8w", "offer"] = (
        "message"
    )


class Budget(Section):
    """The limits of one plan; the customers of the highest expected value come first.

    Attributes:
        messages: messages at most.
        money: money at most; a message costs `cost_per_message` and the face value of its coupon.
    """

    messages: int | None = Field(None, ge=1)
    money: float | None = Field(None, ge=0)
    cost_per_message: float = Field(0.0, ge=0)


class Stop(Section):
    """When the campaign stops by itself.

    Attributes:
        on_harm: at a look, the interval of the primary metric lies below zero.
        max_unsubscribes, max_bounces: shares of the messages.
        after_messages: shares count from this many messages on.
    """

    on_harm: bool = True
    max_unsubscribes: Share = 0.02
    max_bounces: Share = 0.05
    after_messages: int = Field(200, ge=1)


class Campaign(Section):
    """One campaign.

    Attributes:
        id: equal to the file's name without `.toml`.
        status: only a running campaign is enqueued; a draft can be tried.
        goal: for people and templates.
        channel, message_class, purpose: names of the contact policy.
    """

    id: Name
    status: Literal["draft", "running", "stopped"] = "draft"
    goal: Sentence
    channel: Name = "email"
    message_class: Name
    purpose: Name
    audience: Audience = Audience()
    trigger: Trigger | None = None
    schedule: Schedule = Schedule()
    recommendations: Recommendations | None = None
    offer: Offer | None = None
    content: tuple[Content, ...] = Field(min_length=1)
    experiment: Experiment = Experiment()
    value: Value = Value()
    budget: Budget = Budget()
    stop: Stop = Stop()

    @model_validator(mode="after")
    def _whole(self) -> "Campaign":
        audience, value = self.audience, self.value
        if not (audience.everybody or audience.filter or audience.has_item or self.trigger):
            raise ValueError("audience is empty; write a filter, category, products, coupon, saved or everybody = true")
        if self.trigger and self.schedule.every_days:
            raise ValueError("schedule.every_days and a trigger exclude each other; a trigger repeats by itself")
        if value.times == "audience" and not audience.has_item:
            raise ValueError("value.times = 'audience' needs a category, products, coupon or saved in the audience")
        if value.times == "trigger" and self.trigger is None:
            raise ValueError("value.times = 'trigger' needs a trigger")
        wants_trigger = self.recommendations is not None and self.recommendations.slate == "trigger"
        if wants_trigger and (self.trigger is None or self.trigger.type not in WITH_PRODUCTS):
            known = " or ".join(WITH_PRODUCTS)
            raise ValueError(f"recommendations.slate = 'trigger' needs a trigger with products: {known}")
        if value.times == "offer" and self.offer is None:
            raise ValueError("value.times = 'offer' needs an offer")
        names = [content.name for content in self.content]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"content has the name '{min(twice)}' twice; each needs its own")
        open_ended = [content.name for content in self.content[:-1] if content.filter is None]
        if open_ended:
            raise ValueError(
                f"content '{open_ended[0]}' has no filter, so nothing below it is used; move it to the end"
            )
        return self
