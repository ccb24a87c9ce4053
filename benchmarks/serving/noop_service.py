"""Serve a constant answer by a typed BentoML service with the request and response types of Reach."""

from datetime import date

import bentoml

from serving.api.schemas import RecommendedItem, RecommendRequest, RecommendResponse

ITEM = RecommendedItem(
    product_id="1", name="A product", category="", score=1.0, source="none", reason="It is always this one"
)
ANSWER = RecommendResponse(
    request_id="0" * 32, model_version="none", as_of=date(2018, 1, 1), fallback=None, items=[ITEM] * 10
)


class Noop:
    """Answer every request with the same list."""

    @bentoml.api(route="/recommend")
    async def recommend(self, request: RecommendRequest, /) -> RecommendResponse:
        """Return the constant answer."""
        return ANSWER


service = bentoml.service(name="noop", workers=1, http={"host": "127.0.0.1"}, logging={"access": {"enabled": False}})(
    Noop
)
