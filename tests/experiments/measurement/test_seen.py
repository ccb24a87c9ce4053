import numpy as np
import pytest

from experiments.identification import Identification
from experiments.measurement.seen import Seen, verdict_of
from experiments.sequential import Looks, announced_looks

RNG = np.random.default_rng(2)
CUSTOMERS = 800
VARIANT = np.where(RNG.random(CUSTOMERS) < 0.5, "holdout", "offer")
FIRST, REST = RNG.normal(50, 10, (2, CUSTOMERS))


def seen(look: int, rows: np.ndarray, outcome: np.ndarray) -> Seen:
    return Seen(look, rows, VARIANT[rows], np.zeros((len(rows), 1)), {"spend": outcome[rows]})


def correlations_of(looks: list[Seen]) -> tuple[float, ...]:
    """Return the correlations that the bounds were asked for."""
    asked: list[tuple[float, ...]] = []

    def bounds_of(correlations: tuple[float, ...]) -> Looks:
        asked.append(correlations)
        return announced_looks((0.5, 1.0), 0.05, correlations)

    verdict_of("spend", looks, "holdout", bounds_of, len(looks), Identification(()))
    return asked[-1]


def test_bounds_get_the_correlation_of_the_looks() -> None:
    everybody = np.arange(CUSTOMERS)
    first = seen(1, everybody, FIRST)
    assert correlations_of([first, seen(2, everybody, FIRST)]) == pytest.approx((1.0,))
    assert abs(correlations_of([first, seen(2, everybody, REST)])[0]) < 0.1
    assert correlations_of([first, seen(2, everybody, FIRST + REST)])[0] == pytest.approx(np.sqrt(0.5), abs=0.06)


def test_customers_who_came_later_make_two_looks_less_alike() -> None:
    half = np.arange(0, CUSTOMERS, 2)
    [found] = correlations_of([seen(1, half, FIRST), seen(2, np.arange(CUSTOMERS), FIRST)])
    assert found == pytest.approx(np.sqrt(0.5), abs=0.05)


def test_a_look_without_customers_in_an_arm_has_no_correlation() -> None:
    found = correlations_of([seen(1, np.flatnonzero(VARIANT == "offer"), FIRST), seen(2, np.arange(CUSTOMERS), FIRST)])
    assert np.isnan(found).all()
