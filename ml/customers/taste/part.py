"""Fit both encoders, compare them on the newest closed window, and write the vectors of the better one."""

import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from experiments.bootstrap import bootstrap, paired_difference
from ml.customers.inputs import Inputs
from ml.customers.part import Decision, Measure, Verdict
from ml.customers.segments.customers import CATEGORIES, read_categories
from ml.customers.taste.baskets import NEXT_WEEKS, ExampleReader, Examples, as_inputs, read_counts
from ml.customers.taste.encoder import Encoder
from ml.customers.taste.pca import fit_pca
from ml.errors import DivergenceError, NotEnoughDataError

logger = logging.getLogger(__name__)

ENCODER, VECTORS = "encoder.npz", "taste.parquet"
WIDTH = 16
DEPTH = 20
LEAD = 0.01
"""Recall that the autoencoder must have above PCA."""
MIN_EXAMPLES = 200


class Taste:
    """A vector of 16 numbers per customer."""

    name = "taste"

    def fit(self, inputs: Inputs, folder: Path) -> Verdict:
        """Train on windows that closed before the newest one, and compare how many new categories are found there.

        Raises:
            NotEnoughDataError: the tables hold too few customers, categories or snapshots.
        """
        if not inputs.has(CATEGORIES):
            raise NotEnoughDataError(f"The publication has no {CATEGORIES}. Run build_features again.")
        cut, until = inputs.snapshot(NEXT_WEEKS), inputs.snapshot(2 * NEXT_WEEKS)
        with inputs.connect() as connection:
            categories = read_categories(connection, until)
            if len(categories) <= max(WIDTH, DEPTH):
                raise NotEnoughDataError(
                    f"{len(categories)} categories are too few for a vector of {WIDTH} numbers. Bring a products table "
                    "with the column 'category'."
                )
            reader = ExampleReader(connection, inputs, categories)
            window = reader.read(cut)
            training = reader.training(until)
        smaller = min(training.before.shape[0], window.before.shape[0])
        if smaller < MIN_EXAMPLES:
            raise NotEnoughDataError(f"{smaller} customers bought before and after; {MIN_EXAMPLES} are needed.")
        # Nothing but training needs TensorFlow, so neither scoring nor a shop without enough data imports it.
        from ml.customers.taste.autoencoder import fit_autoencoder

        encoders = {"PCA": fit_pca(categories, training, WIDTH)}
        try:
            encoders["autoencoder"] = fit_autoencoder(categories, training, WIDTH, inputs.seed)
        except DivergenceError as error:
            logger.warning("%s", error)
        popularity = np.asarray((training.after > 0).sum(axis=0), dtype=np.float64).ravel()
        found = {
            name: new_recall(encoder.scores(as_inputs(window.before)), window) for name, encoder in encoders.items()
        }
        found["popularity"] = new_recall(np.tile(popularity, (window.before.shape[0], 1)), window)
        return self._decide(inputs, folder, encoders, found)

    def _decide(
        self, inputs: Inputs, folder: Path, encoders: dict[str, Encoder], found: dict[str, np.ndarray]
    ) -> Verdict:
        estimates = {name: bootstrap(values, inputs.seed) for name, values in found.items()}
        chosen, reason = "PCA", "PCA is the taste vector: the autoencoder could not be trained."
        if "autoencoder" in encoders:
            lead = paired_difference(found["autoencoder"], found["PCA"], inputs.seed)
            chosen = "autoencoder" if lead.mean >= LEAD else "PCA"
            reason = (
                f"{chosen} is the taste vector: the autoencoder leads PCA by {lead.mean:+.3f} ({lead.low:+.3f} to "
                f"{lead.high:+.3f}) in recall of new categories, and {LEAD:+.2f} was needed."
            )
        encoders[chosen].write(folder / ENCODER)
        measures = {
            measure: Measure(estimates[name].mean, estimates[name].low, estimates[name].high)
            for measure, name in (("taste_new_recall", chosen), ("pca_new_recall", "PCA"))
        }
        rows: list[dict[str, str | float | None]] = [
            {"encoder": name, "new recall@20": one.mean, "low": one.low, "high": one.high}
            for name, one in estimates.items()
        ]
        decision = Decision.MODEL if chosen == "autoencoder" else Decision.RULE
        until = inputs.snapshot(NEXT_WEEKS).date()
        return Verdict(decision, [reason], measures, until, {"encoders": rows})

    def score(self, inputs: Inputs, folder: Path, published: Path) -> None:
        """Write `taste.parquet`: the vector of every customer with a purchase in the last 26 weeks."""
        encoder = Encoder.read(folder / ENCODER)
        with inputs.connect() as connection:
            ids, (counts,) = read_counts(connection, inputs.now, encoder.categories, ["baskets_26w"])
        bought = counts.getnnz(axis=1) > 0
        vectors = encoder.encode(as_inputs(counts[bought])).astype(np.float32)
        flat = pa.array(vectors.ravel(), pa.float32())
        lists = pa.ListArray.from_arrays(np.arange(0, len(flat) + 1, vectors.shape[1], dtype=np.int32), flat)
        table = pa.table({"customer_id": pa.array(ids[bought].astype(object), pa.string()), "taste": lists})
        pq.write_table(table, published / VECTORS)
        logger.info("%d of %d customers have a taste vector.", len(table), len(ids))


def new_recall(scores: np.ndarray, window: Examples) -> np.ndarray:
    """Return the share of each customer's new categories among the best 20 that were not bought before.

    Args:
        scores: float `[n, categories]`.
        window: what was bought before and after.

    Returns:
        Float `[n]`, NaN for a customer without a new category.
    """
    before = window.before.toarray() > 0
    new = (window.after.toarray() > 0) & ~before
    ranked = np.argsort(np.where(before, np.inf, -scores), axis=1, kind="stable")[:, :DEPTH]
    hits = np.take_along_axis(new, ranked, axis=1).sum(axis=1)
    wanted = new.sum(axis=1)
    return np.where(wanted > 0, hits / np.maximum(wanted, 1), np.nan)
