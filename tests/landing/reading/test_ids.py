"""One customer keeps one id in files of any type; a damaged id is refused."""

from pathlib import Path

import duckdb
import pytest

from landing.errors import ContractError
from landing.manifest import Manifest
from tests.support.landing.shop import admit_shop, admitted, write_parquet, write_shop

pytestmark = pytest.mark.integration

LINE = (
    "'b' AS basket_id, '0010' AS product_id, 1 AS quantity, 2.5 AS sales_value, "
    "TIMESTAMP '2017-01-01' AS transaction_at"
)


def _lines(landing: Path, *customers: str) -> Path:
    """Transactions in one Parquet file for each SQL expression of a customer's id."""
    (landing / "transactions.csv").unlink()
    (landing / "transactions").mkdir()
    for number, customer in enumerate(customers):
        with duckdb.connect() as connection:
            file = landing / "transactions" / f"{number}.parquet"
            connection.execute(f"COPY (SELECT {customer} AS customer_id, {LINE}) TO '{file}' (FORMAT parquet)")
    return landing


def _customers(tmp_path: Path) -> set[str | None]:
    return {row[0] for row in admitted(tmp_path, "transactions", "customer_id")}


def _refused(tmp_path: Path, *customers: str) -> str:
    with pytest.raises(ContractError) as caught:
        admit_shop(tmp_path, _lines(write_shop(tmp_path / "in"), *customers))
    return str(caught.value)


def _finding(manifest: Manifest, kind: str) -> tuple[int, str]:
    found = [finding for finding in manifest.findings if finding.kind == kind]
    assert len(found) == 1, manifest.findings
    return found[0].count, str(found[0])


def test_a_float_in_one_file_and_a_text_in_another_are_one_customer(tmp_path: Path) -> None:
    admit_shop(tmp_path, _lines(write_shop(tmp_path / "in"), "101 :: DOUBLE", "'101'", "101 :: SMALLINT"))
    assert _customers(tmp_path) == {"101"}


def test_whole_numbers_beside_floats_stay_exact(tmp_path: Path) -> None:
    admit_shop(tmp_path, _lines(write_shop(tmp_path / "in"), "9007199254740993 :: BIGINT", "5 :: DOUBLE"))
    assert _customers(tmp_path) == {"9007199254740993", "5"}


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("101 :: DECIMAL(38, 10)", "101"),
        ("101 :: DECIMAL(9, 0)", "101"),
        ("9007199254740991 :: DOUBLE", "9007199254740991"),
        ("16777215 :: FLOAT", "16777215"),
        ("-0.0 :: DOUBLE", "0"),
        ("'17850.0'", "17850"),
        (
            "17014118346046923173168730371588410572 :: HUGEINT :: DECIMAL(38, 0)",
            "17014118346046923173168730371588410572",
        ),
        ("UUID '3F2504E0-4F89-11D3-9A0C-0305E82C3301'", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
        ("'1566' :: BLOB", "1566"),
        ("chr(160) || '1566' || chr(9)", "1566"),
    ],
)
def test_an_id_has_one_spelling_whatever_its_type(tmp_path: Path, stored: str, expected: str) -> None:
    admit_shop(tmp_path, _lines(write_shop(tmp_path / "in"), stored))
    assert _customers(tmp_path) == {expected}


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ("9007199254740992 :: DOUBLE", "no longer holds every whole number"),
        ("16777216 :: FLOAT", "no longer holds every whole number"),
        ("1.5 :: DOUBLE", "a fraction"),
        ("'inf' :: DOUBLE", "not finite"),
        ("101.25 :: DECIMAL(38, 10)", "a fraction"),
        ("'\\x3F\\x25\\x04\\xE0' :: BLOB", "bytes, not UTF-8 text"),
        ("'1.0E+05'", "digits may be lost"),
        ("'1.2345678E7'", "digits may be lost"),  # Java's text of the double 12345678
        ("repeat('x', 65)", "more than 64 characters"),
        ("'15' || chr(0) || '66'", "a control character"),
    ],
)
def test_what_does_not_hold_an_id_is_refused_with_file_and_row(tmp_path: Path, stored: str, reason: str) -> None:
    message = _refused(tmp_path, "'c1'", stored)
    assert "transactions/1.parquet" in message
    assert "row 1: the column 'customer_id' holds a value" in message
    assert reason in message


@pytest.mark.parametrize("kind", ["true", "DATE '2017-01-01'", "TIMESTAMP '2017-01-01'", "['1']"])
def test_a_kind_of_column_that_is_no_id_is_refused(tmp_path: Path, kind: str) -> None:
    message = _refused(tmp_path, "'c1'", kind)
    assert "transactions/1.parquet" in message
    assert "expected an id (text or a whole number)" in message


def test_a_wrong_product_id_is_shown(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in", products="product_id\n1.23E+11\n")
    with pytest.raises(ContractError, match=r"row 1: the column 'product_id' holds '1\.23E\+11'"):
        admit_shop(tmp_path, landing)


GUESTS = """customer_id,basket_id,product_id,quantity,sales_value,transaction_at
nan,b0,0010,1,2.50,2017-01-01 10:00:00
NULL,b1,0010,1,2.50,2017-01-01 11:00:00
 <NA> ,b2,0010,1,2.50,2017-01-01 12:00:00
,b3,0010,1,2.50,2017-01-01 13:00:00
c1,b4,0010,1,2.50,2017-01-01 14:00:00
"""


def test_words_for_missing_are_no_customers_and_are_counted(tmp_path: Path) -> None:
    manifest, _, said = admit_shop(tmp_path, write_shop(tmp_path / "in", transactions=GUESTS))

    assert admitted(tmp_path, "transactions", "customer_id") == [("c1",), *[(None,)] * 4]
    count, words = _finding(manifest, "ids_that_mean_missing")
    assert count == 3  # the empty field is not a word
    assert "transactions.csv" in words
    assert "row 1, 'nan'" in words
    count, words = _finding(manifest, "lines_without_customer")
    assert count == 4
    assert "4 of 5 lines have no customer" in words
    assert any("4 of 5 lines have no customer" in line for line in said)


def test_a_gap_in_a_column_of_floats_is_a_missing_id(tmp_path: Path) -> None:
    manifest, _, _ = admit_shop(tmp_path, _lines(write_shop(tmp_path / "in"), "'nan' :: DOUBLE", "7"))
    assert _customers(tmp_path) == {"7", None}
    assert _finding(manifest, "ids_that_mean_missing")[0] == 1


def test_blanks_and_decimal_points_are_counted_without_naming_a_customer(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in", products="product_id\n 0010\n0020\n30.0\n")
    _lines(landing, "' 1566 '", "'17850.0'", "'17850.0'")
    manifest, _, _ = admit_shop(tmp_path, landing)

    found = {(f.kind, f.table): (f.count, f.example) for f in manifest.findings}
    assert found[("ids_with_blanks", "transactions")] == (1, f"transactions/0.parquet in {landing}, row 1")
    assert found[("ids_with_a_decimal_point", "transactions")] == (2, f"transactions/1.parquet in {landing}, row 1")
    assert found[("ids_with_blanks", "products")] == (1, f"products.csv in {landing}, row 1, ' 0010'")
    assert found[("ids_with_a_decimal_point", "products")] == (1, f"products.csv in {landing}, row 3, '30.0'")


def test_plain_ids_are_no_finding(tmp_path: Path) -> None:
    manifest, _, _ = admit_shop(tmp_path, write_shop(tmp_path / "in"))
    assert [finding for finding in manifest.findings if finding.kind.startswith(("ids", "lines"))] == []


def test_bytes_in_sixteen_are_no_text(tmp_path: Path) -> None:
    """A UUID as Avro and Spark keep it: 16 bytes without a mark."""
    landing = write_shop(tmp_path / "in")
    write_parquet(landing, "customers", "SELECT unhex('3F2504E04F8911D39A0C0305E82C3301') AS customer_id")
    with pytest.raises(ContractError, match="a UUID in 16 bytes"):
        admit_shop(tmp_path, landing)


def test_spellings_that_may_be_one_id_stay_two_and_are_counted(tmp_path: Path) -> None:
    customers = "customer_id,age_band\n7,45-54\n8,45-54\n"  # the receipts have 007 and 8
    products = "product_id\n0010\n0020\nwine red\nWine\u00a0Red\n"
    manifest, _, said = admit_shop(tmp_path, write_shop(tmp_path / "in", customers=customers, products=products))

    found = {f.message.split(":")[0]: (f.count, f.example) for f in manifest.findings if f.kind == "ids_spelled_alike"}
    assert found == {
        "customer_id": (1, "in customers, transactions"),
        "product_id": (1, "'Wine\u00a0Red' and 'wine red' in products".replace("\u00a0", "\\xa0")),
    }
    assert [line for line in said if "007" in line] == []
    assert {row[0] for row in admitted(tmp_path, "customers", "customer_id")} == {"7", "8"}
    assert _customers(tmp_path) == {"007", "8"}
