import pytest

from experiments.effect import Effect
from experiments.identification import Check, Identification
from experiments.sequential import announced_looks, weekly_looks
from experiments.verdict import Outcome, decide

INTACT = Identification((Check("sample ratio", True, 0.4, "the arms have the planned sizes"),))
BROKEN = Identification(
    (
        Check("sample ratio", False, 1e-9, "the sample ratio fails"),
        Check("arms alike before", False, 1e-5, "the arms differ before the start (p < .0001)"),
    )
)


def measured(difference: float, standard_error: float = 2.0, control_mean: float = 100.0) -> Effect:
    return Effect(difference, standard_error, 1e6, control_mean, 1000, 1000, 4)


def test_an_effect_is_shown_with_its_interval() -> None:
    verdict = decide("spend", [None, None, None, measured(6.1)], weekly_looks(4), INTACT)
    assert verdict.outcome is Outcome.EFFECT
    assert verdict.sentence == "Effect shown: spend +6.1% (95% interval +2.1% to +10.1%), look 4 of 4."


def test_less_of_a_wanted_metric_is_harm_and_of_an_unwanted_one_an_effect() -> None:
    looks = announced_looks()
    assert decide("spend", [measured(-6.1)], looks, INTACT).outcome is Outcome.HARM
    assert decide("cancellations", [measured(-6.1)], looks, INTACT, higher_is_better=False).outcome is Outcome.EFFECT
    assert decide("cancellations", [measured(6.1)], looks, INTACT, higher_is_better=False).outcome is Outcome.HARM


def test_an_early_look_needs_more() -> None:
    looks = weekly_looks(4)
    assert decide("spend", [measured(6.1)], looks, INTACT).outcome is Outcome.NOTHING_VISIBLE
    assert decide("spend", [None, None, measured(6.1)], looks, INTACT).outcome is Outcome.EFFECT
    assert decide("spend", [measured(9.0)], looks, INTACT).outcome is Outcome.EFFECT


def test_a_crossed_bound_stays_crossed_and_the_newest_figures_are_shown() -> None:
    found = [None, measured(9.0, 2.5), measured(3.0)]
    verdict = decide("spend", found, weekly_looks(4), INTACT)
    assert (verdict.outcome, verdict.decided_at, verdict.look) == (Outcome.EFFECT, 2, 3)
    assert verdict.sentence == "Effect shown at look 2: spend +3.0% (95% interval -1.7% to +7.7%), look 3 of 4."
    assert decide("spend", [measured(-9.0), measured(3.0)], weekly_looks(4), INTACT).outcome is Outcome.HARM
    twice = decide("spend", [None, measured(-9.0), measured(9.0)], weekly_looks(4), INTACT)
    assert (twice.outcome, twice.decided_at) == (Outcome.HARM, 2)


def test_a_look_without_customers_has_no_number() -> None:
    verdict = decide("spend", [None], weekly_looks(4), INTACT)
    assert verdict.sentence == "Not identified: too few customers were assigned before the look."


def test_nothing_visible_names_what_could_be_seen() -> None:
    looks = weekly_looks(4)
    early = decide("spend", [None, measured(1.0)], looks, INTACT)
    assert early.sentence.startswith("Nothing visible yet: spend +1.0% (")
    assert early.sentence.endswith("The last look would show an effect from about 4.0% on (power 80%).")
    last = decide("spend", [None, None, None, measured(1.0)], looks, INTACT)
    assert last.sentence.startswith("Nothing visible: spend")
    assert last.sentence.endswith("It could show an effect from about 5.7% on (power 80%).")
    assert last.smallest_visible == pytest.approx(5.66, abs=0.01)


def test_a_failed_check_blocks_the_number_however_large() -> None:
    verdict = decide("spend", [None, None, None, measured(60.0)], weekly_looks(4), BROKEN)
    assert verdict.outcome is Outcome.NOT_IDENTIFIED
    assert (verdict.effect, verdict.interval, verdict.smallest_visible) == (None, None, None)
    assert verdict.sentence == ("Not identified: the sample ratio fails; the arms differ before the start (p < .0001).")
    assert "60" not in verdict.sentence


def test_a_metric_that_is_zero_without_treatment_is_shown_in_its_unit() -> None:
    verdict = decide("clicks", [measured(0.5, 0.1, control_mean=0.0)], announced_looks(), INTACT)
    assert verdict.sentence == "Effect shown: clicks +0.5 (95% interval +0.304 to +0.696), look 1 of 1."


def test_another_alpha_is_named() -> None:
    verdict = decide("visits", [measured(9.0)], announced_looks((1.0,), 0.05 / 3), INTACT)
    assert "98.3% interval" in verdict.sentence
