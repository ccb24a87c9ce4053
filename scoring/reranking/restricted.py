"""Find the age-restricted products of a catalogue once, so that a request costs no search."""

from collections.abc import Sequence

import numpy as np

from core.restricted import Restricted, matching
from scoring.catalogue import Catalogue
from scoring.vocabulary import UNKNOWN


def restricted_products(catalogue: Catalogue, departments: Sequence[str], patterns: Restricted) -> np.ndarray:
    """Return which products no list may show, bool `[products]`.

    Args:
        catalogue: The products.
        departments: The departments of the model's vocabulary; the code of the first one is 1. A department that
            training did not see has no name here, so only its products' categories and types are compared.
        patterns: Of age-restricted products.
    """
    barred = matching(departments, patterns.departments)
    by_code = np.array([False, *(name in barred for name in departments)])
    codes = catalogue.codes["department"]
    found: np.ndarray = by_code[np.where(codes < len(by_code), codes, UNKNOWN)]
    for names, wanted in (
        (catalogue.category_names, patterns.categories),
        (catalogue.type_names, patterns.product_types),
    ):
        hit = matching(set(names), wanted)
        found = found | np.fromiter((name in hit for name in names), bool, len(names))
    return found
