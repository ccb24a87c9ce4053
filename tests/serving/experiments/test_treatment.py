"""Customers are served their variants; a hold-out never gets an item, whatever the experiments are."""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.event_log import RecentEvents
from events.records import CustomerEvents, Decision
from online_experiments.announcement import Announcement
from online_experiments.assignment import Assignments
from scoring.bundle import PROBE_CUSTOMER, Bundle
from serving.api.schemas import RecommendRequest, RecommendResponse, RerankRequest
from serving.config import ServiceConfig
from serving.customer_state.feature_client import FeatureClient
from serving.decision_log import DecisionLog
from serving.errors import UnknownVariantError
from serving.experiments.treatment import Treatments
from serving.handlers.recommendations import RecommendationHandler
from serving.metrics import metrics
from serving.middleware.admission import ConcurrencyLimiter
from tests.support.online_experiments.announced import STARTS_AT, announced, variants
from tests.support.serving.small_bundle import buyer_features, write_bundle

NOW = STARTS_AT + timedelta(days=1)
CUSTOMERS = [f"c{number}" for number in range(60)]


class Customers:
    """An online store in which every customer bought p3 and p5."""

    def read(self, customer_id: str) -> dict[str, Any] | None:
        return buyer_features("p3", "p5")

    def sample_ids(self, count: int) -> list[str]:
        return []


class NoEvents(RecentEvents):
    def append(self, events: Sequence[Any]) -> Future[list[bool]]:
        raise NotImplementedError

    def of_customer(self, customer_id: str) -> CustomerEvents:
        return CustomerEvents()

    def erase(self, customer_ids: Collection[str]) -> int:
        return 0

    def evict_materialized(self, as_of: Any, held: Any) -> int:
        return 0

    def close(self) -> None:
        pass


class Shop:
    """A service's handler of lists with two versions, v1 the champion and v2 in memory unless it is gone."""

    def __init__(self, bundles: dict[str, Bundle]):
        self.bundles = dict(bundles)
        self.announced: list[Announcement] = []
        self.written: list[Decision] = []
        config = ServiceConfig(feature_timeout_s=30, exposure_commit_timeout_s=30)
        features = FeatureClient(Customers, NoEvents(), config)
        features.start()
        features.wait(30)
        decisions = DecisionLog(lambda batch: self.written.extend(batch), config, metrics())
        decisions.start()
        self.close = lambda: (features.stop(), decisions.stop())
        self.handler = RecommendationHandler(
            lambda: bundles["v1"],
            features,
            ConcurrencyLimiter(1),
            decisions,
            Treatments(lambda: Assignments(self.announced), self.bundles.get, lambda: NOW),
            config,
            metrics(),
        )

    def ask(self, customer_id: str = "c1", **more: Any) -> RecommendResponse:
        return asyncio.run(self.handler.recommend(RecommendRequest(customer_id=customer_id, k=5, **more)))

    def all_of(self, **more: Any) -> dict[str, RecommendResponse]:
        """Return each customer's answer."""

        async def ask() -> list[RecommendResponse]:
            asked = [RecommendRequest(customer_id=name, k=5, **more) for name in CUSTOMERS]
            return [await self.handler.recommend(body) for body in asked]

        return dict(zip(CUSTOMERS, asyncio.run(ask()), strict=True))


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    folder = tmp_path_factory.mktemp("bundles")
    # v2 weighs own purchases so little that popularity decides.
    made = {name: write_bundle(folder / name, name, weight=weight) for name, weight in (("v1", 10.0), ("v2", -10.0))}
    return {name: Bundle.open(path) for name, path in made.items()}


@pytest.fixture
def shop(bundles: dict[str, Bundle]) -> Any:
    found = Shop(bundles)
    yield found
    found.close()


def shown(answer: RecommendResponse) -> list[str]:
    return [item.product_id for item in answer.items]


def most_of_a_category(answer: RecommendResponse) -> int:
    return max(Counter(item.category for item in answer.items if item.category).values())


def by_variant(answers: dict[str, RecommendResponse]) -> dict[str, list[RecommendResponse]]:
    found: dict[str, list[RecommendResponse]] = {}
    for answer in answers.values():
        found.setdefault(answer.experiments[0].variant, []).append(answer)
    return found


def test_outside_experiments_an_answer_is_the_champions_and_unmarked(shop: Shop) -> None:
    answer = shop.ask()
    assert answer.experiments == []
    assert answer.model_version == "v1"


def test_each_variant_is_served_and_recorded_before_the_answer(shop: Shop) -> None:
    plain = shown(shop.ask())
    served = variants(
        rule={"serve": "baseline"}, same={}, new={"serve": "version", "version": "v2"}, none={"serve": "nothing"}
    )
    shop.announced = [announced(variants=served)]
    answers = by_variant(shop.all_of())
    assert set(answers) == {"rule", "same", "new", "none"}
    assert all(shown(answer) == plain and answer.model_version == "v1" for answer in answers["same"])
    assert all(answer.model_version == "v2" and shown(answer) != plain for answer in answers["new"])
    assert all(answer.fallback == "baseline" and shown(answer) for answer in answers["rule"])
    assert all(answer.fallback == "holdout" and answer.items == [] for answer in answers["none"])
    written = {decision.request_id: decision for decision in shop.written if decision.exposures}
    assert len(written) == len(CUSTOMERS)
    for name, found in answers.items():
        for answer in found:
            decision = written[answer.request_id]
            [exposure] = decision.exposures
            assert (exposure.variant, exposure.propensity, exposure.is_holdout) == (name, 0.25, name == "none")
            assert (decision.experiment_id, decision.variant) == ("rule-or-model", name)


def test_a_parameter_is_set_where_the_request_leaves_it_out(shop: Shop) -> None:
    shop.announced = [announced(variants=variants(same={}, few={"max_per_category": 1}), control="same")]
    answers = by_variant(shop.all_of())
    assert {most_of_a_category(answer) for answer in answers["few"]} == {1}
    assert {most_of_a_category(answer) for answer in answers["same"]} == {2}
    given = shop.all_of(max_per_category=2)
    assert all(answer.experiments == [] for answer in given.values())


def test_a_version_that_is_gone_is_replaced_by_the_champion_and_marked(shop: Shop) -> None:
    shop.announced = [
        announced(variants=variants(rule={"serve": "baseline"}, new={"serve": "version", "version": "v2"}))
    ]
    del shop.bundles["v2"]
    answers = by_variant(shop.all_of())["new"]
    assert {(answer.model_version, answer.experiments[0].served) for answer in answers} == {("v1", "champion")}
    assert {exposure.served for one in shop.written for exposure in one.exposures} == {"variant", "champion"}


def test_two_layers_apply_together_and_an_empty_list_counts_for_its_own_experiment_only(shop: Shop) -> None:
    wide = announced(id="wide", layer="zz", control="same", variants=variants(same={}, few={"max_per_category": 1}))
    shop.announced = [announced(variants=variants(rule={"serve": "nothing"}, model={})), wide]
    for answer in shop.all_of().values():
        names = [one.experiment_id for one in answer.experiments]
        if answer.fallback == "holdout":
            assert (names, answer.items) == (["rule-or-model"], [])
        else:
            assert names == ["rule-or-model", "wide"]
            assert most_of_a_category(answer) == (1 if answer.experiments[1].variant == "few" else 2)


def test_a_tester_chooses_and_is_marked(shop: Shop) -> None:
    shop.announced = [announced(variants=variants(rule={"serve": "nothing"}, model={}))]
    for name in ("rule", "model"):
        answer = shop.ask(variants={"rule-or-model": name})
        assert [(one.variant, one.is_override) for one in answer.experiments] == [(name, True)]
    assert all(exposure.is_override for decision in shop.written for exposure in decision.exposures)
    with pytest.raises(UnknownVariantError, match=r"'x' is not a variant of 'rule-or-model'\. Allowed: rule, model"):
        shop.ask(variants={"rule-or-model": "x"})
    with pytest.raises(UnknownVariantError, match="No experiment 'other' is announced"):
        shop.ask(variants={"other": "x"})


def test_reranking_and_the_verification_of_a_deployment_are_outside_experiments(shop: Shop) -> None:
    shop.announced = [announced(variants=variants(rule={"serve": "nothing"}, model={"diversity": 0.9}))]
    assert shop.ask(PROBE_CUSTOMER).experiments == []
    body = RerankRequest(customer_id="c1", product_ids=["p1", "p2"])
    assert asyncio.run(shop.handler.recommend(body)).experiments == []


SERVED = st.sampled_from(
    [{"serve": "nothing"}, {"serve": "baseline"}, {}, {"diversity": 0.7}, {"serve": "version", "version": "v2"}]
)


@st.composite
def configurations(draw: st.DrawFn) -> list[Announcement]:
    """Draw experiments: of one layer with other slots, and one more in a layer of its own."""
    borders = sorted(draw(st.sets(st.integers(1, 99), max_size=3)) | {0, 100})
    found = []
    for number, slots in enumerate(pairwise(borders)):
        arms = draw(st.lists(SERVED, min_size=2, max_size=4))
        names = {f"v{place}": fields for place, fields in enumerate(arms)}
        salt = draw(st.binary(min_size=16, max_size=16)).hex()
        found.append(announced(id=f"e{number}", slots=slots, control="v0", variants=variants(**names), salt=salt))
    if draw(st.booleans()):
        few = variants(same={}, few={"max_per_category": 1})
        found.append(announced(id="wide", layer=draw(st.sampled_from(["a", "z"])), control="same", variants=few))
    return found


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(configurations(), st.booleans(), st.data())
def test_a_customer_in_a_holdout_never_gets_an_item(
    shop: Shop, experiments: list[Announcement], is_gone: bool, data: st.DataObject
) -> None:
    shop.announced = experiments
    if is_gone:
        shop.bundles.pop("v2", None)
    extra = data.draw(st.sampled_from([{}, {"slate": "explore"}, {"diversity": 0.5}, {"max_per_category": 2}]))
    assignments = Assignments(experiments)
    for customer in data.draw(st.lists(st.sampled_from(CUSTOMERS), min_size=1, max_size=5)):
        answer = shop.ask(customer, **extra)
        assigned = assignments.of(customer, extra.get("slate", "all"), NOW, {})
        covered = [one for one in assigned if one.announcement.experiment.changes.isdisjoint(extra)]
        in_holdout = any(one.variant.serve == "nothing" for one in covered)
        assert (answer.items == []) == in_holdout
        assert (answer.fallback == "holdout") == in_holdout
