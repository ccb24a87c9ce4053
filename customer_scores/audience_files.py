"""Erase customers from the index of audiences, in which a customer is a number (`marketing.audience.index`)."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

CUSTOMERS, ITEMS, BUYERS = "audience_customers.parquet", "audience_items.parquet", "audience_buyers.arrow"


def erase_from_audiences(before: Path, after: Path, customers: pa.Table, gone: pa.ChunkedArray) -> None:
    """Write the three files of the index without some customers; the numbers of the others follow one another.

    Args:
        before: the folder of the index.
        after: the folder in which the files are written.
        customers: the table of customers, by number.
        gone: whether each is erased, `[customers]`.
    """
    pq.write_table(customers.filter(pc.invert(gone)), after / CUSTOMERS)
    stays = ~np.asarray(gone, bool)
    numbers = np.cumsum(stays, dtype=np.int64) - 1
    items = pq.read_table(before / ITEMS)
    with pa.memory_map(str(before / BUYERS)) as source:
        bought = pa.ipc.open_file(source).read_all()
        customer = bought["customer"].to_numpy()
        kept = stays[customer]
        renumbered = pa.array(numbers[customer[kept]]).cast(bought.schema.field("customer").type)
        rest = bought.filter(pa.array(kept))
        rest = rest.set_column(rest.schema.get_field_index("customer"), "customer", renumbered)
        with pa.OSFile(str(after / BUYERS), "wb") as file, pa.ipc.new_file(file, rest.schema) as writer:
            writer.write_table(rest)
    ends = np.concatenate([[0], np.cumsum(kept)])
    first, rows = items["first_row"].to_numpy(), items["rows"].to_numpy()
    begins = ends[first]
    for name, values in (("first_row", begins), ("rows", ends[first + rows] - begins)):
        column = items.schema.get_field_index(name)
        items = items.set_column(column, name, pa.array(values).cast(items.schema.field(name).type))
    pq.write_table(items, after / ITEMS)
