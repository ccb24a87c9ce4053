"""Return the cost and earnings of coupons: from the landing, a marketer's values, or one assumption for all."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from marketing.offers.errors import OffersError

KEYS = ["campaign_id", "coupon_id"]
MONEY = ["face_value", "margin"]


@dataclass(frozen=True)
class Worth:
    """Where money comes from, besides the landing's own `coupon_values`.

    Attributes:
        values: what `read_values_file` returns; it comes first. A value of one campaign comes before one of all.
        face_value: what a coupon without any value costs when it is redeemed; None: unknown.
        margin: what is earned on what is bought with it, before the face value.
    """

    values: pa.Table | None = None
    face_value: float | None = None
    margin: float | None = None

    def __post_init__(self) -> None:
        """Check the assumption.

        Raises:
            OffersError: one of face value and margin is missing, or the face value is not above 0.
        """
        if (self.face_value is None) != (self.margin is None):
            raise OffersError("A face value without a margin decides nothing. Give both.")
        if self.face_value is not None and not self.face_value > 0:
            raise OffersError(f"The face value {self.face_value:g} is not above 0, so a budget cannot bound it.")


def coupon_worth(file: Path, worth: Worth) -> pa.Table:
    """Return campaign_id, coupon_id, face_value and margin of every coupon on offer; empty values where unknown.

    Args:
        file: the published coupons on offer.
        worth: where money comes from besides them.
    """
    offered = pq.read_table(file, columns=[*KEYS, *MONEY])
    assumed = {name: pa.scalar(getattr(worth, name), pa.float64()) for name in MONEY}
    if worth.values is None:
        return _filled(offered, {name: [offered[name], assumed[name]] for name in MONEY})
    of_all = pc.is_null(worth.values["campaign_id"])
    own = _joined(offered, worth.values.filter(pc.invert(of_all)), KEYS, "own")
    every = _joined(own, worth.values.filter(of_all).drop_columns("campaign_id"), ["coupon_id"], "general")
    columns = {name: [every[f"own_{name}"], every[f"general_{name}"], every[name], assumed[name]] for name in MONEY}
    return _filled(every, columns)


def _joined(offered: pa.Table, values: pa.Table, by: list[str], prefix: str) -> pa.Table:
    """Return the coupons with a source's values, in columns named by the prefix; empty where the source has none."""
    return offered.join(values.rename_columns({name: f"{prefix}_{name}" for name in MONEY}), by)


def _filled(offered: pa.Table, sources: dict[str, list[pa.ChunkedArray | pa.Scalar]]) -> pa.Table:
    """Return the coupons in order, each value from the first source that has one."""
    values = {name: pc.coalesce(*columns) for name, columns in sources.items()}
    return pa.table({name: offered[name] for name in KEYS} | values).sort_by([(name, "ascending") for name in KEYS])
