"""Count the customers of each value tier and taste cluster, with their expected spend and risk of lapsing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from marketing.errors import ScoresError
from marketing.segments.vocabulary import CUSTOMERS, PREDICTIONS, SEGMENTS, open_scores, views

VALUE, TASTE = "value", "taste"
WITHOUT = ""
"""The id that stands for customers without a segment on an axis."""

Row = tuple[str | None, str | None, int, float | None, float | None]


@dataclass(frozen=True)
class Cell:
    """Customers who share a tier and a cluster.

    Attributes:
        customers: how many.
        spend_8w: mean of their expected spend of eight weeks; None if no prediction is published.
        lapse_8w: mean of their probabilities of no order in eight weeks; None in the same case.
    """

    customers: int
    spend_8w: float | None
    lapse_8w: float | None


@dataclass(frozen=True)
class Matrix:
    """The tiers as rows and the clusters as columns.

    Attributes:
        tiers: labels by id, the tier with the largest expected spend first.
        clusters: labels by id, the largest cluster first.
        cells: by the ids of tier and cluster; a pair without customers is missing.
        of_tier: all customers of each tier.
        of_cluster: all customers of each cluster.
        total: all customers.
    """

    tiers: Mapping[str, str]
    clusters: Mapping[str, str]
    cells: Mapping[tuple[str, str], Cell]
    of_tier: Mapping[str, Cell]
    of_cluster: Mapping[str, Cell]
    total: Cell


def segment_matrix(folder: Path) -> Matrix:
    """Return the matrix of the published scores.

    Args:
        folder: of the published scores.

    Raises:
        ScoresError: nothing is published, or no axis of segments.
    """
    with open_scores(folder) as connection:
        known = views(connection)
        if SEGMENTS not in known:
            raise ScoresError(
                "No segments are published: no axis has met its bars yet. The report of the customer model names the "
                "figures that were missed."
            )
        numbers = "avg(spend_8w), avg(lapse_8w)" if PREDICTIONS in known else "NULL, NULL"
        predictions = f"LEFT JOIN {PREDICTIONS} USING (customer_id)" if PREDICTIONS in known else ""
        rows = connection.execute(
            f"""
            WITH tiers AS (SELECT customer_id, segment AS tier FROM {SEGMENTS} WHERE axis = ?),
                 clusters AS (SELECT customer_id, segment AS cluster FROM {SEGMENTS} WHERE axis = ?),
                 everybody AS (
                     SELECT customer_id, coalesce(tier, '') AS tier, coalesce(cluster, '') AS cluster
                     FROM {CUSTOMERS} LEFT JOIN tiers USING (customer_id) LEFT JOIN clusters USING (customer_id)
                 )
            SELECT tier, cluster, count(*), {numbers} FROM everybody {predictions}
            GROUP BY GROUPING SETS ((tier, cluster), (tier), (cluster), ())
            """,
            [VALUE, TASTE],
        ).fetchall()
        labels = {
            (axis, segment): label
            for axis, segment, label in connection.execute(
                f"SELECT axis, segment, any_value(label) FROM {SEGMENTS} GROUP BY axis, segment"
            ).fetchall()
        }
    return _matrix(rows, labels)


def _matrix(rows: Sequence[Row], labels: Mapping[tuple[str, str], str]) -> Matrix:
    cells, of_tier, of_cluster = dict[tuple[str, str], Cell](), dict[str, Cell](), dict[str, Cell]()
    total = Cell(0, None, None)
    for tier, cluster, customers, spend, lapse in rows:
        cell = Cell(customers, spend, lapse)
        if tier is not None and cluster is not None:
            cells[tier, cluster] = cell
        elif tier is not None:
            of_tier[tier] = cell
        elif cluster is not None:
            of_cluster[cluster] = cell
        else:
            total = cell
    tiers = sorted(of_tier, key=lambda tier: (tier == WITHOUT, -(of_tier[tier].spend_8w or 0), tier))
    clusters = sorted(of_cluster, key=lambda one: (one == WITHOUT, -of_cluster[one].customers, one))
    return Matrix(
        {tier: labels.get((VALUE, tier), "no tier") for tier in tiers},
        {cluster: labels.get((TASTE, cluster), "no cluster") for cluster in clusters},
        cells,
        of_tier,
        of_cluster,
        total,
    )
