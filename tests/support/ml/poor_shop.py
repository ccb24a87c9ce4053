"""A real shop with nothing but receipts: no fields of customers, coupons, mailers, categories or names of products."""

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from core.duckdb_engine import connect, quote_literal, read_parquet
from core.files.atomic import move_link
from features.publication import current_publication, write_record
from settings import Settings
from tests.support.ml.shops import Shop, build_features

SEED = 11
REGULAR, RARE = "regular customer ", "rare customer's "
"""How ids begin; a quote and blanks are in them, because ids are texts."""


def build_poor_shop(home: Path) -> Settings:
    """Land receipts of regular and of rare customers, build the features once, and return the settings."""
    lacking = {"has_categories": False, "has_names": False, "has_promotions": False, "has_profiles": False}
    regular = Shop(SEED, customers=260, products=30, days=400, growth=1.0, pace=1.1, loyalty=0.5, **lacking)
    rare = Shop(SEED + 1, customers=260, products=30, days=400, growth=1.0, pace=0.15, loyalty=0.5, **lacking)
    for shop, folder in ((regular, home / "regular"), (rare, home / "rare")):
        shop.land(folder)
    parts = []
    for folder, prefix in ((home / "regular", REGULAR), (home / "rare", RARE)):
        table = pq.read_table(folder / "transactions.parquet")
        for name in ("customer_id", "basket_id"):
            renamed = pa.array([prefix + each for each in table[name].to_pylist()], pa.string())
            table = table.set_column(table.column_names.index(name), name, renamed)
        parts.append(table)
    (home / "landing").mkdir()
    pq.write_table(pa.concat_tables(parts), home / "landing" / "transactions.parquet")
    shutil.copyfile(home / "regular" / "products.parquet", home / "landing" / "products.parquet")
    return build_features(home)


def keep_customers(settings: Settings, count: int) -> list[str]:
    """Publish the same features of the first customers only, and return their ids."""
    link = settings.paths.features
    publication = current_publication(link)
    folder = link.parent / f"{publication.name}-{count}"
    folder.mkdir()
    with connect(folder, "512MB") as connection:
        profile = read_parquet(link.resolve() / "feat_customer_profile.parquet")
        found = connection.sql(f"SELECT DISTINCT customer_id FROM {profile} ORDER BY 1 LIMIT {count}").fetchall()
        ids = [customer for (customer,) in found]
        wanted = ", ".join(map(quote_literal, ids))
        for file in link.resolve().glob("*.parquet"):
            rows = read_parquet(file)
            columns = connection.sql(f"SELECT * FROM {rows} LIMIT 0").columns
            kept = f" WHERE customer_id IN ({wanted})" if "customer_id" in columns else ""
            connection.execute(f"COPY (SELECT * FROM {rows}{kept}) TO {quote_literal(folder / file.name)}")
    write_record(folder, replace(publication, name=folder.name))
    move_link(link, Path(folder.name))
    return ids
