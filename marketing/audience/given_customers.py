"""Read the customers that `--like` gives: ids on the command line, or a file with ids."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from marketing.errors import AudienceError

COLUMN = "customer_id"
ENDINGS = (".txt", ".csv", ".parquet")


def given_customers(values: Sequence[str]) -> set[str]:
    """Return ids: those in a file if the only value names one, otherwise the values.

    A .csv or .parquet file has a column `customer_id`, as `python -m marketing` writes it; any other file has one id
    per line.

    Raises:
        AudienceError: the file is missing, cannot be read or names no customer.
    """
    first = Path(values[0])
    if len(values) > 1 or not (first.is_file() or first.suffix in ENDINGS):
        return set(values)
    try:
        found = _of_file(first)
    except (OSError, UnicodeDecodeError, pa.ArrowException, KeyError) as error:
        raise AudienceError(
            f"{first} cannot be read ({error}). Give ids, a text file with one customer_id per line, or a .csv or "
            f".parquet file with the column '{COLUMN}'."
        ) from error
    if not found:
        raise AudienceError(f"{first} names no customer. Write one customer_id per line.")
    return found


def _of_file(path: Path) -> set[str]:
    if path.suffix == ".parquet":
        column = pq.read_table(path, columns=[COLUMN])[COLUMN]
    elif path.suffix == ".csv":
        # Ids are texts: '007' is not 7.
        options = pyarrow.csv.ConvertOptions(column_types={COLUMN: pa.string()}, include_columns=[COLUMN])
        column = pyarrow.csv.read_csv(path, convert_options=options)[COLUMN]
    else:
        return {line.strip() for line in path.read_text().splitlines() if line.strip()}
    return {str(customer).strip() for customer in column.to_pylist() if customer is not None} - {""}
