"""Answer `POST /profile` with the tags, predictions and segments of a customer."""

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from customer_scores.publication import PublishedPart, ScoresPublication
from events.fields import ID, Id
from serving.api.validation import ApiRequest
from serving.customer_state.feature_client import FeatureClient
from serving.errors import ProfilesUnavailableError, ScoresNotPublishedError, UnknownCustomerError
from serving.metrics import Metrics

PUBLICATION = "publication"
"""The name, among the values that are read, of the publication that they are from."""

NOT_PUBLISHED = (
    "No scores of customers are published yet. Run the DAG score_customers, or `make customers`, then try again."
)


class ProfileRequest(ApiRequest):
    """Ask for a customer's profile. It is personal data, so a key needs the scope `marketing`."""

    SCOPE: ClassVar = "marketing"
    USES_SCORING_SLOT: ClassVar = False
    ERRORS: ClassVar = (UnknownCustomerError, ProfilesUnavailableError)
    EXAMPLE: ClassVar = {"customer_id": "1250"}

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    customer_id: Id = Field(description=f"The shop's id of the customer. Allowed: {ID}.")


class Tag(BaseModel):
    """State one thing about a customer, with its confidence and its evidence."""

    tag: str = Field(description="The tag's name.")
    value: str = Field(description="Its value.")
    confidence: float | None = Field(description="The probability that it is true, or its reliability.")
    evidence_rows: int = Field(description="Rows of the shop's data that it rests on.")
    evidence_from: date | None = Field(description="The first day of those rows.")
    evidence_until: date | None = Field(description="The day before which those rows lie.")
    held_out_measure: str = Field(description="How the tag was evaluated on customers held out.")
    held_out_value: float | None = Field(description="The figure of that evaluation.")
    learned_on: str = Field(description="The customers and rows from which the tag was learned.")
    sensitive: bool = Field(description="Whether it is about age, income or family: the shop named a purpose for it.")


class CategoryDue(BaseModel):
    """Name a category that the customer is due to buy."""

    category: str = Field(description="The category.")
    probability: float = Field(description="The probability that the customer buys it.")


class Predictions(BaseModel):
    """Predict the customer's next orders; null where no part of the model publishes a prediction."""

    lapse_4w: float | None = Field(description="Probability of no order within 4 weeks.")
    lapse_8w: float | None = Field(description="Probability of no order within 8 weeks.")
    spend_8w: float | None = Field(description="Expected spend of the next 8 weeks.")
    spend_8w_low: float | None = Field(description="Lower end of its 80% interval.")
    spend_8w_high: float | None = Field(description="Upper end of its 80% interval.")
    order_7d: float | None = Field(description="Probability of an order within 7 days.")
    order_14d: float | None = Field(description="Probability of an order within 14 days.")
    categories_due: list[CategoryDue] = Field(description="Categories due, most probable first.")


class Segment(BaseModel):
    """Name the customer's segment on one axis."""

    axis: str = Field(description="The axis, such as value or taste.")
    segment: str = Field(description="The segment's id, which stays the same from week to week.")
    label: str = Field(description="The name that a person reads.")
    since: date | None = Field(description="The first snapshot since which the customer is in it.")


class PartEvaluation(BaseModel):
    """Describe how a part of the model was evaluated: the certificate of its scores."""

    as_of: date = Field(description="Its scores count events before this day.")
    model_version: str = Field(description="The version of the customer model that scored.")
    decision: str | None = Field(description="Whether a model or a simple rule is published.")
    fitted_until: date | None = Field(description="The part was fitted on events before this day.")
    measures: dict[str, float | None] = Field(description="Its figures on the newest closed window.")


class ProfileResponse(BaseModel):
    """Return tags, predictions and segments of a customer, each with its evaluation."""

    as_of: date = Field(description="The scores count events before this day; a part may be of an earlier one.")
    model_version: str = Field(description="The version of the customer model that scored last.")
    predictions: Predictions | None = Field(description="Predictions of the next weeks; null if nothing is published.")
    tags: list[Tag] = Field(description="Statements about the customer; empty if none holds up.")
    segments: list[Segment] = Field(description="The customer's segments, one an axis.")
    evaluations: dict[str, PartEvaluation] = Field(description="By part of this answer, how it was evaluated.")


class ProfileHandler:
    """Answer requests for profiles from the online store.

    Args:
        profiles: Reads profiles.
        are_published: Returns whether any scores are published.
        metrics: Counts answers.
    """

    def __init__(self, profiles: FeatureClient, are_published: Callable[[], bool], metrics: Metrics):
        self._profiles = profiles
        self._are_published = are_published
        self._metrics = metrics

    async def profile(self, body: ProfileRequest) -> ProfileResponse:
        """Return a customer's profile.

        Raises:
            ScoresNotPublishedError: The customers were never scored.
            UnknownCustomerError: The published scores do not contain the customer.
            ProfilesUnavailableError: The online store does not answer.
        """
        if not self._are_published():
            self._metrics.profiles.labels("not_published").inc()
            raise ScoresNotPublishedError(NOT_PUBLISHED)
        with self._metrics.stages.labels("profile_read").time():
            result = await self._profiles.read(body.customer_id)
        self._metrics.profiles.labels(result.outcome).inc()
        if result.outcome == "unknown":
            raise UnknownCustomerError(
                f"The published scores do not contain the customer '{body.customer_id}'. They contain customers with a "
                "purchase before the day of the scores; newer ones come with the next run of score_customers."
            )
        if result.features is None:
            raise ProfilesUnavailableError(
                "The online store of profiles does not answer. Try again in a few seconds; if it stays so, run "
                "`.venv/bin/python -m feature_store materialize-profiles`."
            )
        return build_profile(result.features)


def build_profile(values: Mapping[str, Any]) -> ProfileResponse:
    """Return the answer from the values that `feature_store.profiles.reader` returns."""
    publication: ScoresPublication = values[PUBLICATION]
    views = {
        view: {name.removeprefix(f"{view}__"): value for name, value in values.items() if name.startswith(f"{view}__")}
        for view in ("customer_predictions", "customer_tags", "customer_segments")
    }
    predictions, tags, segments = views.values()
    return ProfileResponse(
        as_of=publication.as_of,
        model_version=publication.model_version,
        predictions=_predictions(predictions) if predictions else None,
        tags=[_tag(tags, i) for i in range(len(tags.get("tags", [])))],
        segments=[
            Segment(
                axis=axis,
                segment=segments["segments"][i],
                label=segments["labels"][i],
                since=_day(segments["since"][i]),
            )
            for i, axis in enumerate(segments.get("axes", []))
        ],
        evaluations={
            view.removeprefix("customer_"): _evaluation(publication.parts[view.removeprefix("customer_")])
            for view, found in views.items()
            if found
        },
    )


def _predictions(found: Mapping[str, Any]) -> Predictions:
    due = zip(found.get("categories_due", []), found.get("categories_due_probability", []), strict=True)
    numbers = {name: _number(found.get(name)) for name in Predictions.model_fields if name != "categories_due"}
    categories = [CategoryDue(category=category, probability=probability) for category, probability in due]
    return Predictions(**numbers, categories_due=categories)


def _tag(found: Mapping[str, Any], i: int) -> Tag:
    return Tag(
        tag=found["tags"][i],
        value=found["values"][i],
        confidence=_number(found["confidences"][i]),
        evidence_rows=found["evidence_rows"][i],
        evidence_from=_day(found["evidence_from"][i]),
        evidence_until=_day(found["evidence_until"][i]),
        held_out_measure=found["held_out_measures"][i],
        held_out_value=_number(found["held_out_values"][i]),
        learned_on=found["learned_on"][i],
        sensitive=bool(found["sensitive"][i]),
    )


def _evaluation(part: PublishedPart) -> PartEvaluation:
    evaluation = part.evaluation
    return PartEvaluation(
        as_of=part.as_of,
        model_version=part.model_version,
        decision=evaluation.decision if evaluation else None,
        fitted_until=evaluation.until if evaluation else None,
        measures={name: _number(value) for name, value in evaluation.measures.items()} if evaluation else {},
    )


def _number(value: float | None) -> float | None:
    """Return the number as JSON can carry it."""
    return None if value is None or not math.isfinite(value) else value


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
