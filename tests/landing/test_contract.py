"""The contract's broken forms are named before anything is built."""

from pathlib import Path

import pytest

from landing.errors import ContractError, SourceError
from tests.support.landing.shop import PRODUCTS, TRANSACTIONS, admit_shop, write_parquet, write_shop


def _refused(tmp_path: Path, landing: Path, error: type[Exception]) -> str:
    with pytest.raises(error) as caught:
        admit_shop(tmp_path, landing)
    assert not (tmp_path / "data" / "admitted").exists()
    return str(caught.value)


def test_missing_required_table_is_named_with_its_likely_misspelling(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / "products.csv").rename(landing / "product.csv")
    message = _refused(tmp_path, landing, SourceError)
    assert "product.csv in" in message
    assert "rename it to products.csv" in message


def test_missing_folder_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "nowhere") in _refused(tmp_path, tmp_path / "nowhere", SourceError)


def test_missing_required_column_is_named_with_what_was_expected(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in", transactions=TRANSACTIONS.replace("sales_value", "amount"))
    message = _refused(tmp_path, landing, ContractError)
    assert "transactions.csv" in message
    assert "'sales_value'" in message
    assert "a number such as" in message
    assert "amount" in message


def test_wrong_value_is_named_with_file_row_and_column(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in", transactions=TRANSACTIONS.replace("3.00", "three"))
    message = _refused(tmp_path, landing, ContractError)
    assert "transactions.csv" in message
    assert "row 2" in message
    assert "'sales_value' holds 'three'" in message


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [("2017-01-01 15:00:00", "yesterday", "timestamp"), ("9.99", "nan", "number"), ("9.99", "inf", "number")],
)
def test_values_that_are_no_time_or_no_number_are_refused(tmp_path: Path, good: str, bad: str, expected: str) -> None:
    landing = write_shop(tmp_path / "in", transactions=TRANSACTIONS.replace(good, bad))
    assert f"expected a {expected}" in _refused(tmp_path, landing, ContractError)


def test_wrong_value_is_found_in_the_file_that_holds_it(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / "transactions").mkdir()
    (landing / "transactions.csv").rename(landing / "transactions" / "a.csv")
    (landing / "transactions" / "b.csv").write_text(TRANSACTIONS.replace("9.99", "?"))
    assert "transactions/b.csv" in _refused(tmp_path, landing, ContractError)


def test_wrong_kind_of_parquet_column_is_named(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    write_parquet(landing, "products", "SELECT ['1'] AS product_id")
    message = _refused(tmp_path, landing, ContractError)
    assert "'product_id' is of type VARCHAR[]" in message


def test_a_truth_value_is_no_number(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    source = (landing / "transactions.csv").read_text()
    (landing / "t.csv").write_text(source)
    write_parquet(landing, "transactions", f"SELECT * REPLACE (true AS quantity) FROM '{landing / 't.csv'}'")
    assert "'quantity' is of type BOOLEAN" in _refused(tmp_path, landing, ContractError)


@pytest.mark.parametrize("text", ["", PRODUCTS.splitlines()[0] + "\n"])
def test_an_empty_required_table_is_refused(tmp_path: Path, text: str) -> None:
    message = _refused(tmp_path, write_shop(tmp_path / "in", products=text), SourceError)
    assert "products.csv" in message
    assert "is empty" in message


def test_a_table_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / "products.parquet").write_bytes(b"PAR1")
    message = _refused(tmp_path, landing, SourceError)
    assert "products.csv" in message
    assert "products.parquet" in message


def test_truncated_parquet_file_is_named(tmp_path: Path, small_landing: Path) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / "products.csv").unlink()
    (landing / "products.parquet").write_bytes((small_landing / "products.parquet").read_bytes()[:-2000])
    message = _refused(tmp_path, landing, SourceError)
    assert "products.parquet" in message
    assert "copied whole" in message


def test_truncated_csv_line_is_named(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in", transactions=TRANSACTIONS[:-30] + "\n")
    message = _refused(tmp_path, landing, SourceError)
    assert "transactions.csv" in message
    assert "copied whole" in message


def test_an_id_that_is_wrong_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    write_parquet(landing, "customers", "SELECT 1234.5 :: DOUBLE AS customer_id")
    message = _refused(tmp_path, landing, ContractError)
    assert "customer_id" in message
    assert "1234" not in message
