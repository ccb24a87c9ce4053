"""The products on offer at one instant (sold before it, or on a coming promotion), as arrays."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scoring.errors import ScoringError
from scoring.models.ease import Ease
from scoring.models.fitted import FittedModel
from scoring.related_products import RelatedProducts
from scoring.schema import ACTIVITY, CONTENT

MODELS = "models"
"""The folder of a saved catalogue that holds the fitted models, one folder each."""

M = TypeVar("M", bound=FittedModel)

LEVELS = {
    "line": "line",
    "type": "product_type",
    "category": "category",
    "department": "department",
    "manufacturer": "manufacturer_id",
}
"""The levels of the catalogue at which a customer's affinity is measured: name of the level, name of its codes."""


@dataclass(frozen=True)
class Catalogue:
    """The products, in one fixed order; a product's position in it is its index everywhere in `scoring`.

    Attributes:
        as_of: The date of the facts.
        product_ids, names, category_names, type_names: `[products]` strings; '' where a category or type is unknown.
        codes: Vocabulary numbers, int32 `[products]`, for `product_id` and each name in `schema.CONTENT`.
        activity: float32 `[products, len(schema.ACTIVITY)]`.
        vectors: The candidate tower's output, float32 `[products, dimensions]`.
        models: Models fitted on the purchases known at the instant, by the candidate source that fits each.
        min_recent_buyers: With fewer buyers a product is not put forward to customers who never bought it; 0: every
            product is.
        ann_above_products: With more active products, the nearest vectors are searched approximately; 0: never.
    """

    as_of: date
    product_ids: list[str]
    names: list[str]
    category_names: list[str]
    type_names: list[str]
    codes: dict[str, np.ndarray]
    activity: np.ndarray
    vectors: np.ndarray
    models: Mapping[str, FittedModel] = field(default_factory=dict)
    min_recent_buyers: int = 0
    ann_above_products: int = 0

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each product id."""
        return {product_id: position for position, product_id in enumerate(self.product_ids)}

    @cached_property
    def categories(self) -> dict[str, int]:
        """The number of each category by its name, 0 for the unknown one: all categories, not only the models'."""
        return {name: number for number, name in enumerate(sorted({"", *self.category_names}))}

    @cached_property
    def category(self) -> np.ndarray:
        """Each product's number in `categories`, int32 `[products]`."""
        numbers = self.categories
        return np.fromiter((numbers[name] for name in self.category_names), np.int32, len(self))

    @cached_property
    def popularity(self) -> np.ndarray:
        """Customers who bought the product in the last four weeks; ties go to the one with more buyers ever.

        float64 `[products]`: the whole part is the four weeks', the fraction breaks ties.
        """
        ever = self.column("buyers").astype(np.float64)
        popularity: np.ndarray = self.column("buyers_4w") + ever / (ever.max(initial=0.0) + 1.0)
        return popularity

    @cached_property
    def popularity_share(self) -> np.ndarray:
        """Popularity as a share of the most popular product's, float32 `[products]`, so that shops compare."""
        highest = max(self.popularity.max(initial=0.0), 1e-9)
        popularity_share: np.ndarray = (self.popularity / highest).astype(np.float32)
        return popularity_share

    @cached_property
    def by_popularity(self) -> np.ndarray:
        """Catalogue indices, the most popular product first; the last ties go by index."""
        return np.lexsort((np.arange(len(self)), -self.popularity))

    @cached_property
    def by_first_buyers(self) -> np.ndarray:
        """Catalogue indices of products with a first-time buyer in eight weeks, the one with most first."""
        first_buyers = self.column("first_buyers_8w")
        order = np.lexsort((np.arange(len(self)), -first_buyers))
        return order[first_buyers[order] > 0]

    @cached_property
    def related(self) -> RelatedProducts:
        """The products related to a product, for similar items and for recent interest."""
        ease = next((model for model in self.models.values() if isinstance(model, Ease)), None)
        return RelatedProducts(self.vectors, self.popularity, ease)

    @cached_property
    def lines(self) -> np.ndarray:
        """The product's line, a type from one manufacturer, as a number int32 `[products]`; 0 where one is unknown."""
        types, makers = self.codes["product_type"].astype(np.int64), self.codes["manufacturer_id"].astype(np.int64)
        both = np.where((types > 0) & (makers > 0), types * (makers.max(initial=0) + 1) + makers, 0)
        numbers = np.unique(np.append(both, 0), return_inverse=True)[1]
        return numbers[:-1].astype(np.int32)

    @cached_property
    def levels(self) -> tuple[np.ndarray, np.ndarray]:
        """Each product's number at each of `LEVELS`, int32 `[products, levels]`, and whether a number is known, bool.

        No number is used at two levels.
        """
        columns, starts, start = [], [], 0
        for level in LEVELS.values():
            codes = self.lines if level == "line" else self.codes[level]
            columns.append(codes.astype(np.int32) + start)
            starts.append(start)  # the number of a level's unknown code
            start += int(codes.max(initial=0)) + 1
        known = np.ones(start, bool)
        known[starts] = False
        return np.column_stack(columns), known

    @cached_property
    def categorical(self) -> np.ndarray:
        """The vocabulary numbers of `schema.CONTENT`, int32 `[products, fields]`."""
        return np.column_stack([self.codes[field] for field in CONTENT]).astype(np.int32)

    @cached_property
    def share_in_line(self) -> np.ndarray:
        """The product's share of its line's buyers in thirteen weeks, float32 `[products]`."""
        buyers = self.column("buyers_13w")
        total = np.bincount(self.lines, buyers, minlength=1)[self.lines]
        share_in_line: np.ndarray = (buyers / np.maximum(total, 1.0)).astype(np.float32)
        return share_in_line

    def __len__(self) -> int:
        return len(self.product_ids)

    def column(self, name: str) -> np.ndarray:
        """Return one of `schema.ACTIVITY`, float32 `[products]`."""
        return self.activity[:, ACTIVITY.index(name)]

    def model(self, name: str, kind: type[M]) -> M:
        """Return a fitted model.

        Args:
            name: The candidate source that fits it.
            kind: The model's class.

        Raises:
            ScoringError: The catalogue was built without this source.
        """
        found = self.models.get(name)
        if not isinstance(found, kind):
            raise ScoringError(
                f"This catalogue has no model of the candidate source '{name}'. Name the source in [sources] of "
                "ml/config.toml and train a new version with 'make retrain'."
            )
        return found

    def save(self, folder: Path) -> None:
        """Write the products as Parquet, and their vectors and the fitted models as arrays."""
        folder.mkdir(parents=True, exist_ok=True)
        table = pa.table(
            {
                "product_id": self.product_ids,
                "name": self.names,
                "category_name": self.category_names,
                "type_name": self.type_names,
            }
            | {f"code_{field}": codes for field, codes in self.codes.items()}
            | {f"activity_{name}": self.activity[:, i] for i, name in enumerate(ACTIVITY)},
            metadata={
                "as_of": self.as_of.isoformat(),
                "min_recent_buyers": str(self.min_recent_buyers),
                "ann_above_products": str(self.ann_above_products),
            },
        )
        pq.write_table(table, folder / "products.parquet")
        np.save(folder / "vectors.npy", self.vectors)
        for name, model in self.models.items():
            model.save(folder / MODELS / name)

    @classmethod
    def load(cls, folder: Path, models: Mapping[str, FittedModel] | None = None) -> "Catalogue":
        """Read what `save` wrote.

        Args:
            folder: The folder that was given to `save`.
            models: The fitted models, as `scoring.candidates.sources.load_models` reads them.
        """
        table = pq.read_table(folder / "products.parquet", use_threads=False)
        columns = {name: table[name].combine_chunks() for name in table.column_names}
        catalogue = cls(
            as_of=date.fromisoformat(table.schema.metadata[b"as_of"].decode()),
            product_ids=columns["product_id"].to_pylist(),
            names=columns["name"].to_pylist(),
            category_names=_interned(columns["category_name"]),
            type_names=_interned(columns["type_name"]),
            codes={field: columns[f"code_{field}"].to_numpy() for field in ("product_id", *CONTENT)},
            activity=np.column_stack([columns[f"activity_{name}"].to_numpy() for name in ACTIVITY]),
            vectors=np.load(folder / "vectors.npy", allow_pickle=False),
            models=models or {},
            min_recent_buyers=int(table.schema.metadata[b"min_recent_buyers"]),
            ann_above_products=int(table.schema.metadata[b"ann_above_products"]),
        )
        del table, columns
        pa.default_memory_pool().release_unused()  # it keeps 40 MB otherwise, and nothing here asks it again
        return catalogue


def _interned(names: pa.Array) -> list[str]:
    """Return the names, each different one in memory once."""
    return [sys.intern(name) for name in names.to_pylist()]
