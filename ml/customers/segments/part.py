"""Choose both axes on a validation window, certify them on the newest closed one, and assign every customer."""

import json
import logging
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from core.files.atomic import replace_file
from ml.customers.inputs import Inputs
from ml.customers.part import Decision, Measure, Verdict
from ml.customers.segments.certificate import RESAMPLES, TASTE, VALUE
from ml.customers.segments.customers import CATEGORIES
from ml.customers.segments.history import walk, write_tables
from ml.customers.segments.scheme import Scheme
from ml.customers.segments.study import (
    CLUSTERS,
    EIGHT_WEEKS,
    HALF_YEAR,
    MARGINS,
    RANDOM,
    RFM,
    Evaluated,
    clusters,
    evaluate,
    first_stable,
    rank,
    tiers,
)
from ml.customers.segments.taste_clusters import TasteClusters
from ml.customers.segments.value_tiers import ValueTiers
from ml.errors import NotEnoughDataError

logger = logging.getLogger(__name__)

MODEL = "model.json"
READERS: dict[str, Callable[[dict[str, Any]], Scheme]] = {VALUE: ValueTiers.from_dict, TASTE: TasteClusters.from_dict}

Row = dict[str, str | float | None]


class Segments:
    """Two axes of segments, each published only with a certificate."""

    name = "segments"

    def fit(self, inputs: Inputs, folder: Path) -> Verdict:
        """Choose margins and the number of clusters on validation, certify once, and write the certified axes.

        Raises:
            NotEnoughDataError: the tables hold too few customers, or do not reach back far enough.
        """
        if not inputs.has(CATEGORIES):
            raise NotEnoughDataError(f"The publication has no {CATEGORIES}. Run build_features again.")
        tried = evaluate(
            inputs.before(EIGHT_WEEKS),
            [*(clusters(count, margin) for count in CLUSTERS for margin in MARGINS), *map(tiers, MARGINS)],
        )
        candidates = [candidate for axis in (VALUE, TASTE) for candidate in rank(tried, axis)]
        evaluated = evaluate(inputs, [*candidates, RFM, RANDOM], RESAMPLES)
        controls = evaluated[-2:]
        axes = [found for axis in (VALUE, TASTE) if (found := first_stable(evaluated[:-2], axis)) is not None]
        shipped = [found for found in axes if not found.certificate.failures]
        if not controls[-1].certificate.failures:
            logger.warning("A random split meets every bar, so the certificates prove nothing; no axis is published.")
            shipped = []
        model = {
            found.candidate.axis: found.scheme.as_dict() | {"expires": found.certificate.expires.isoformat()}
            for found in shipped
            if isinstance(found.scheme, ValueTiers | TasteClusters)
        }
        replace_file(folder / MODEL, json.dumps(model, indent=1) + "\n")
        return Verdict(
            Decision.MODEL if shipped else Decision.REFUSED,
            _reasons(evaluated, shipped, tried),
            _measures(axes, shipped),
            inputs.snapshot(HALF_YEAR).date(),
            {
                "certificates": [_certificate_row(found, found in shipped) for found in evaluated],
                "hysteresis": [_hysteresis_row(found) for found in tried],
                "segments": [row for found in shipped for row in _segment_rows(found)],
            },
        )

    def score(self, inputs: Inputs, folder: Path, published: Path) -> None:
        """Write `segments.parquet` and `segment_history.parquet`.

        A customer keeps a segment within the margin, so the walk begins at the oldest snapshot of the tables.
        """
        model: dict[str, dict[str, Any]] = json.loads((folder / MODEL).read_text())
        schemes: dict[str, Scheme] = {axis: READERS[axis](fields) for axis, fields in model.items()}
        if not schemes:
            logger.warning("No axis is certified, so no segment is written.")
            return
        expires = {axis: date.fromisoformat(fields["expires"]) for axis, fields in model.items()}
        for axis, day in expires.items():
            if inputs.now.date() >= day:
                logger.warning("The certificate of the %s axis expired on %s. Fit the customer model again.", axis, day)
        taste = schemes.get(TASTE)
        categories = taste.categories if isinstance(taste, TasteClusters) else []
        with inputs.connect() as connection:
            walked = walk(connection, inputs.instants, schemes, categories)
            counts = write_tables(published, walked, schemes, expires)
        for axis, count in counts.items():
            logger.info("%s: %d customers have a segment.", axis, count)


def _measures(axes: Sequence[Evaluated], shipped: Sequence[Evaluated]) -> dict[str, Measure]:
    """Return the figures of the published axes, or of the refused ones if none is published."""
    certificates = [found.certificate for found in (shipped or axes)]
    measures = {
        "segment_jaccard": min((one.figures["jaccard"] for one in certificates), key=lambda figure: figure.value),
        "segment_jaccard_worst": min(
            (one.figures["jaccard_worst"] for one in certificates), key=lambda figure: figure.value
        ),
        "segment_kappa": min((one.figures["kappa"] for one in certificates), key=lambda figure: figure.value),
    }
    for found in axes:
        figure = {VALUE: "spend_eta2", TASTE: "mix_eta2"}[found.candidate.axis]
        measures[f"{found.candidate.axis}_eta2"] = found.certificate.figures[figure]
    return measures


def _reasons(evaluated: Sequence[Evaluated], shipped: Sequence[Evaluated], tried: Sequence[Evaluated]) -> list[str]:
    reasons = []
    for found in evaluated:
        failures = ", ".join(found.certificate.failures)
        if failures:
            reasons.append(f"{found.candidate.name} refused: {failures}.")
        elif found in shipped:
            plain = next(
                one for one in tried if (one.candidate.name, one.candidate.margin) == (found.candidate.name, 0.0)
            )
            kept = next(one for one in tried if one.candidate == found.candidate)
            reasons.append(
                f"{found.candidate.name} certified until {found.certificate.expires}; on validation a margin of "
                f"{found.candidate.margin:.0%} moved kappa from {plain.certificate.figures['kappa'].value:.2f} to "
                f"{kept.certificate.figures['kappa'].value:.2f}."
            )
        else:
            reasons.append(f"{found.candidate.name} meets the bars; another scheme of its axis is preferred.")
    if not any(found.candidate.axis == TASTE for found in evaluated):
        reasons.append("No taste axis: too few customers with purchases in known categories.")
    return reasons


def _certificate_row(found: Evaluated, is_published: bool) -> Row:
    figures: Row = {name: figure.value for name, figure in found.certificate.figures.items()}
    return {
        "scheme": found.candidate.name,
        "axis": found.candidate.axis,
        "margin": found.candidate.margin,
        "customers": float(found.certificate.customers),
        **figures,
        "published": "yes" if is_published else "no",
        "missed": ", ".join(found.certificate.failures),
        "expires": found.certificate.expires.isoformat(),
    }


def _hysteresis_row(found: Evaluated) -> Row:
    figures = found.certificate.figures
    return {
        "scheme": found.candidate.name,
        "margin": found.candidate.margin,
        **{name: figures[name].value for name in ("kappa", "spend_eta2", "recent_mix_eta2")},
    }


def _segment_rows(found: Evaluated) -> list[Row]:
    total = float(found.sizes.sum())
    return [
        {
            "axis": found.candidate.axis,
            "segment": segment.id,
            "label": segment.label,
            "customers": float(size),
            "share": float(size) / total,
        }
        for segment, size in zip(found.scheme.segments, found.sizes, strict=True)
    ]
