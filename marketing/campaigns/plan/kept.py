"""Keep one plan: stage it, or try it without keeping anything, and describe it for people and programs."""

import logging
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from core.clock import utc_now
from marketing.campaigns.content.rendering import Renderer
from marketing.campaigns.plan.plan import HELD_OUT, PLANNED, Planned
from marketing.campaigns.plan.sources import Sources
from marketing.campaigns.plan.staged_plan import SHOWN, Terms, stage, trial
from marketing.campaigns.plan.summary import examples, summary
from marketing.campaigns.plan.visible_effect import VisibleEffect, effects_by_holdout, visible_effect

logger = logging.getLogger(__name__)


def keep(planned: Planned, sources: Sources, is_dry: bool, shown_messages: int | None = None) -> dict[str, Any]:
    """Stage a plan, or only render it; print it, and return it as JSON values.

    Args:
        planned: the decisions.
        sources: products and profiles.
        is_dry: whether nothing is kept.
        shown_messages: of a dry run: how many messages are printed and returned; None prints three and returns none.
    """
    campaign = planned.request.campaign
    renderer = Renderer(planned, sources.products)
    folder = sources.settings.paths.plans / campaign.id
    counts: Mapping[str, int]
    shown: pa.Table | None = None
    if is_dry:
        counts, shown = trial(planned, renderer, shown_messages or SHOWN)
    else:
        policy = sources.policy_file
        terms = Terms(sources.policy, policy.restricted, policy.channels[campaign.channel])
        record = stage(folder, planned, renderer, terms, utc_now())
        counts = record.counts
    by_outcome = {name: _of_outcome(planned, name) for name in (PLANNED, HELD_OUT)}
    effect = visible_effect(campaign.experiment, sources.profiles, by_outcome[PLANNED], by_outcome[HELD_OUT])
    sentence = effect if isinstance(effect, str) else effect.sentence()
    visible = effect if isinstance(effect, VisibleEffect) and effect.is_measurable else None
    for line in summary(planned, counts, effect, shown):
        logger.info("%s", line)
    found: dict[str, Any] = {
        "campaign": campaign.id,
        "version": planned.request.file.version,
        "counts": dict(counts),
        "decided_before": planned.request.decided_before,
        "smallest_visible_effect": round(visible.effect, 4) if visible else sentence,
        "visible_effect_sentence": sentence,
        "is_measurable": visible is not None,
        "staged": None if is_dry else str(folder),
    }
    if shown_messages and shown is not None:
        eligible = pa.concat_arrays(list(by_outcome.values()))
        others = effects_by_holdout(campaign.experiment, sources.profiles, eligible)
        found |= {"effects_by_holdout": [one.to_json() for one in others], "examples": examples(shown)}
        found |= {"left_out": list(planned.request.left_out)}
    return found


def _of_outcome(planned: Planned, outcome: str) -> pa.Array:
    table = planned.decisions
    return table.filter(pc.equal(table["outcome"], outcome))["customer_id"].combine_chunks()
