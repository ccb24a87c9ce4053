"""Every file of a landing is read, set aside and counted, or refused by name."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from landing.errors import SourceError
from landing.manifest import Manifest
from settings import Settings
from tests.support.landing.shop import PRODUCTS, TRANSACTIONS, admit_shop, admitted, write_parquet, write_shop

pytestmark = pytest.mark.integration

HEADER, *LINES = TRANSACTIONS.splitlines(keepends=True)


def _refused(tmp_path: Path, landing: Path) -> str:
    with pytest.raises(SourceError) as caught:
        admit_shop(tmp_path, landing)
    assert not (tmp_path / "data" / "admitted").exists()
    return str(caught.value)


def _kinds(manifest: Manifest) -> dict[str, tuple[int, str | None]]:
    return {finding.kind: (finding.count, finding.example) for finding in manifest.findings}


def _in_parts(landing: Path) -> Path:
    """Move the shop's transactions into a folder, without a file in it."""
    (landing / "transactions.csv").unlink()
    (landing / "transactions").mkdir()
    return landing / "transactions"


def test_endings_in_upper_case_and_gzip_are_read_beside_the_others(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    parts = _in_parts(landing)
    (parts / "01.csv").write_text(HEADER + LINES[0])
    (parts / "02.CSV").write_text(HEADER.replace(",", ";") + LINES[1].replace(",", ";"))
    (parts / "03.csv.gz").write_bytes(gzip.compress((HEADER + LINES[2]).encode()))
    (landing / "t.csv").write_text(HEADER + LINES[3])
    write_parquet(landing, "04", f"SELECT * FROM '{landing / 't.csv'}'")
    (landing / "04.parquet").rename(parts / "04.snappy.PARQUET")
    (landing / "t.csv").unlink()
    manifest, _, _ = admit_shop(tmp_path, landing)
    assert admitted(tmp_path, "transactions", "basket_id") == [("b1",), ("b1",), ("b2",), ("b3",)]
    assert manifest.findings == ()


def test_one_packed_file_and_one_in_upper_case_are_tables(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / "products.csv").rename(landing / "products.CSV")
    (landing / "transactions.csv").unlink()
    (landing / "transactions.csv.GZ").write_bytes(gzip.compress(TRANSACTIONS.encode()))
    manifest, _, _ = admit_shop(tmp_path, landing)
    assert (manifest.rows["products"], manifest.rows["transactions"]) == (3, 4)


def test_a_folder_as_spark_writes_it_is_one_table(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    for part in ("part-00000-4c.c000.snappy", "part-00001-4c.c000.snappy"):
        write_parquet(landing, part, "SELECT 'c1' AS coupon_id, '0010' AS product_id, 'k1' AS campaign_id")
    (landing / "coupons.parquet").mkdir()
    for file in landing.glob("part-*.parquet"):
        (landing / "coupons.parquet" / f".{file.name}.crc").write_bytes(b"crc")
        file.rename(landing / "coupons.parquet" / file.name)
    (landing / "coupons.parquet" / "_SUCCESS").touch()
    manifest, _, said = admit_shop(tmp_path, landing)
    assert manifest.rows["coupons"] == 2
    assert _kinds(manifest)["file_set_aside"][0] == 3
    assert any("coupons: 3 files in the table's folder set aside" in line for line in said)


def test_what_belongs_to_no_table_is_named_in_log_and_manifest(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in", product_images="a\n1\n", _notes="")
    (landing / ".hidden").write_text("")
    (landing / "__MACOSX").mkdir()
    (landing / "gone").symlink_to(landing / "nowhere")
    manifest, _, said = admit_shop(tmp_path, landing)
    names = ".hidden, __MACOSX/, _notes.csv, gone, product_images.csv"
    assert _kinds(manifest)["file_not_read"] == (5, names)
    assert any(names in line for line in said)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("customer.csv", "rename it to customers.csv"),
        ("Promotions.csv", "rename it to promotions.csv"),
        ("COUPONS.parquet", "rename it to coupons.parquet"),
        ("transactions_2026.csv.gz", "put it into a folder transactions/"),
        ("customers.tsv", "rename it to customers.csv"),
        ("customers.xlsx", "save it as CSV"),
        ("customers.csv.zip", "unpack it"),
        ("customers.csv.part", "means that it is incomplete"),
        ("decision.csv", "rename it to decisions.csv"),
        ("campaigns", "has no ending"),
    ],
)
def test_what_looks_like_a_table_is_refused_with_its_right_name(tmp_path: Path, name: str, advice: str) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / name).write_text("customer_id\n1\n")
    message = _refused(tmp_path, landing)
    assert message.startswith(f"{name} in {landing}")
    assert advice in message
    (landing / name).rename(landing / f"_{name}")
    assert admit_shop(tmp_path, landing)[0].rows["products"] == 3


def _nested(parts: Path) -> None:
    (parts / "archive").mkdir()
    (parts / "archive" / "2025.csv").write_text(TRANSACTIONS)


def _linked_folder(parts: Path) -> None:
    _nested(parts.parent)
    (parts / "archive").symlink_to(parts.parent / "archive")


def _damaged_gzip(parts: Path) -> None:
    (parts / "02.csv.gz").write_bytes(gzip.compress(TRANSACTIONS.encode())[:-30])


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (_nested, "transactions/archive in .* is a folder inside a table's folder"),
        (_linked_folder, "transactions/archive in .* is a folder inside a table's folder"),
        (lambda parts: (parts / "02.csv").symlink_to("absent.csv"), r"02.csv in .* a link to absent.csv, which is"),
        (lambda parts: os.mkfifo(parts / "02.csv"), "02.csv in .* neither a file nor a folder"),
        (lambda parts: (parts / "02.xlsx").write_text("x"), "02.xlsx in .* save it as CSV"),
        (
            lambda parts: (parts / "02.csv.tmp").write_text("x"),
            "02.csv.tmp in .* its ending .tmp means that it is incomplete",
        ),
        (lambda parts: (parts / "part-00002").write_text("x"), "part-00002 in .* has no ending"),
        (lambda parts: (parts / "_delta_log").mkdir(), "_delta_log in .* Delta table"),
        (lambda parts: (parts / "_temporary").mkdir(), "_temporary in .* belongs to an unfinished job"),
        (lambda parts: (parts / "02.parquet").write_text("x"), "02.parquet in .* does not begin as a Parquet file"),
        (lambda parts: (parts / "02.parquet").write_bytes(b"PAR1data"), "02.parquet in .* its end is missing"),
        (lambda parts: (parts / "02.csv.gz").write_text(TRANSACTIONS), "02.csv.gz in .* cannot be unpacked"),
        (_damaged_gzip, "02.csv.gz in .* ends in the middle of its compressed data"),
    ],
)
def test_odd_things_in_a_tables_folder_get_a_sentence(
    tmp_path: Path, odd: Callable[[Path], None], message: str
) -> None:
    landing = write_shop(tmp_path / "in")
    parts = _in_parts(landing)
    (parts / "01.csv").write_text(TRANSACTIONS)
    odd(parts)
    with pytest.raises(SourceError, match=message):
        admit_shop(tmp_path, landing)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_gets_a_sentence(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / "products.csv").chmod(0)
    assert "permission" in _refused(tmp_path, landing)


@pytest.mark.parametrize("nothing", ["", "\n\n", HEADER, "\ufeff" + HEADER])
def test_a_part_with_nothing_in_it_is_read_and_counted(tmp_path: Path, nothing: str) -> None:
    landing = write_shop(tmp_path / "in")
    parts = _in_parts(landing)
    (parts / "01.csv").write_text(TRANSACTIONS)
    (parts / "02.csv").write_text(nothing)
    manifest, _, _ = admit_shop(tmp_path, landing)
    assert manifest.rows["transactions"] == 4
    assert _kinds(manifest) == {"empty_file": (1, "transactions/02.csv")}


def test_a_parquet_part_without_rows_is_counted(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / "customers").mkdir()
    write_parquet(landing, "a", "SELECT 'c' AS customer_id")
    write_parquet(landing, "b", "SELECT 'c' AS customer_id WHERE false")
    for name in ("a", "b"):
        (landing / f"{name}.parquet").rename(landing / "customers" / f"{name}.parquet")
    manifest, _, _ = admit_shop(tmp_path, landing)
    assert manifest.rows["customers"] == 1
    assert _kinds(manifest) == {"empty_file": (1, "customers/b.parquet")}


@pytest.mark.parametrize("text", ["", "customer_id,age_band\n"])
def test_an_optional_table_without_rows_is_empty_and_counted(tmp_path: Path, text: str) -> None:
    manifest, _, _ = admit_shop(tmp_path, write_shop(tmp_path / "in", customers=text))
    assert manifest.rows["customers"] == 0
    assert _kinds(manifest) == {"empty_table": (1, "customers.csv")}


def test_an_optional_folder_without_files_is_an_empty_table(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / "customers").mkdir()
    assert _kinds(admit_shop(tmp_path, landing)[0]) == {"empty_table": (1, "customers/")}


def test_a_column_that_only_some_files_have_is_counted(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / "products").mkdir()
    (landing / "products.csv").rename(landing / "products" / "a.csv")
    (landing / "products" / "b.csv").write_text("brand,product_id\nOwn,0040\n")
    manifest, _, said = admit_shop(tmp_path, landing)
    assert admitted(tmp_path, "products", "product_id, category, brand")[-1] == ("0040", None, "Own")
    assert [f.example for f in manifest.findings] == ["products/b.csv", "products/a.csv"]
    assert any("the column 'category' is absent in 1 of 2 files" in line for line in said)


def _rows(*lines: str) -> str:
    return "".join((HEADER, *lines))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TRANSACTIONS.replace("\n", "\r\n"), id="Windows line ends"),
        pytest.param(TRANSACTIONS.replace("\n", "\r"), id="old Macintosh line ends"),
        pytest.param("\ufeff" + TRANSACTIONS, id="byte order mark"),
        pytest.param(TRANSACTIONS.rstrip("\n"), id="no line end at the end"),
        pytest.param(_rows(*LINES[:2], "\n", *LINES[2:], "\n\n"), id="blank lines"),
        pytest.param(TRANSACTIONS.replace("customer_id", '"customer_id"'), id="quoted name"),
        pytest.param(TRANSACTIONS.replace("customer_id,", " customer_id ,"), id="blanks around a name"),
        pytest.param(TRANSACTIONS.replace("\n", ",\n"), id="a delimiter at every line's end"),
        pytest.param(_rows(*(line.replace("\n", ",\n") for line in LINES)), id="a delimiter at every row's end"),
        pytest.param(_rows(*(LINES * 3)).replace("b1", '"b1\n"'), id="line end in a quoted value"),
    ],
)
def test_every_row_of_an_unusual_csv_file_is_read(tmp_path: Path, text: str) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / "transactions.csv").write_bytes(text.encode())
    manifest, _, _ = admit_shop(tmp_path, landing)
    assert manifest.rows["transactions"] == text.count("2017-")


WIDER = HEADER.replace("\n", ",store_id\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(TRANSACTIONS + TRANSACTIONS, "line 6 holds column names again", id="the same header twice"),
        pytest.param(TRANSACTIONS + "\n\ufeff" + TRANSACTIONS, "line 7 holds column names again", id="with a mark"),
        pytest.param(
            TRANSACTIONS + WIDER + LINES[0].replace("\n", ",s\n"), "line 6 holds column names", id="a wider header"
        ),
        pytest.param(
            TRANSACTIONS + "product_id,customer_id,basket_id,quantity,sales_value,transaction_at\n",
            "line 6 holds column names again",
            id="another order",
        ),
        pytest.param("Sales of January\n" + TRANSACTIONS, "seem to stand in line 2: remove the line above", id="title"),
        pytest.param("sep=,\n" + TRANSACTIONS, "seem to stand in line 2", id="Excel's separator"),
        pytest.param("\n\n" + TRANSACTIONS, "line 1 is blank.*seem to stand in line 3", id="blank line first"),
        pytest.param("".join(LINES), "line 1 holds none of the table's columns", id="no header"),
        pytest.param(_rows(LINES[0], "8,b2,0010\n"), "line 3 has 3 fields, but line 1 names 6", id="too few"),
        pytest.param(_rows('8,"b\n2",1,1,1,2017-01-01\n', "8\n"), "line 4 has 1 field,", id="after a line end in text"),
        pytest.param(_rows(LINES[0].replace("\n", ",x\n")), "line 2 has 7 fields, but", id="too many"),
        pytest.param(_rows(LINES[0], '8,"b2,1\n', LINES[1]), "begins in line 3 has a quote", id="open quote"),
        pytest.param(_rows('8,"b"2,1,1,1,2017-01-01\n'), "begins in line 2 has a quote", id="bad quote"),
        pytest.param(_rows(LINES[0], LINES[1].replace("b1", "b\0")), "line 3 holds a NUL byte", id="NUL"),
        pytest.param(_rows(LINES[0], LINES[1].replace("\n", "\r\n"), LINES[2]), "line 3 ends in another", id="ends"),
        pytest.param(HEADER.replace("basket_id", "product_id") + LINES[0], "'product_id' 2 times", id="name twice"),
    ],
)
def test_a_broken_csv_file_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / "transactions.csv").write_bytes(text.encode())
    with pytest.raises(SourceError, match=f"transactions.csv in .*{message}"):
        admit_shop(tmp_path, landing)


def test_a_header_among_texts_is_refused_too(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in", products=PRODUCTS + PRODUCTS)
    assert "products.csv" in _refused(tmp_path, landing)
    assert "line 5 holds column names again" in _refused(tmp_path, landing)


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("latin-1", "line 5 in the column 'category' holds the byte 0xE4, probably 'KÄSE'.*Latin-1.*iconv -f ISO"),
        ("cp1252", "line 5 in the column 'category' holds the byte 0x8A, probably 'KŠSE'.*Windows-1252.*iconv -f WIN"),
        ("utf-16", "UTF-16, which Excel calls 'Unicode text'.*iconv -f UTF-16"),
        ("utf-16-le", "holds a NUL byte|holds none of the table's columns"),
    ],
)
def test_another_encoding_is_named_with_line_and_next_step(tmp_path: Path, encoding: str, message: str) -> None:
    landing = write_shop(tmp_path / "in")
    cheese = "KŠSE" if encoding == "cp1252" else "KäSE"
    text = PRODUCTS + f"0040,{cheese}\n"
    (landing / "products.csv").write_bytes(text.encode(encoding))
    with pytest.raises(SourceError, match=message.replace("KÄSE", "KäSE")):
        admit_shop(tmp_path, landing)


def test_a_wrong_byte_in_a_personal_table_is_not_shown(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / "customers.csv").write_bytes("customer_id\nJosé\n".encode("latin-1"))
    message = _refused(tmp_path, landing)
    assert "customers.csv" in message
    assert "line 2 in the column 'customer_id'" in message
    assert "Jos" not in message


@pytest.mark.parametrize("name", ["part[1].csv", "part*.csv", "part?.csv"])
def test_a_file_whose_name_is_a_pattern_is_refused_for_it_would_read_others(tmp_path: Path, name: str) -> None:
    parts = _in_parts(write_shop(tmp_path / "in"))
    for file in (name, "part1.csv"):
        (parts / file).write_text(HEADER + LINES[0])
    assert "would be read as a pattern for other files. Rename it" in _refused(tmp_path, tmp_path / "in")


def test_a_folder_whose_name_is_a_pattern_is_no_setting(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds \[, which DuckDB reads as a pattern"):
        Settings(landing=tmp_path / "tables[1]")


def test_a_name_that_is_not_utf8_is_shown_or_refused_in_words(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    Path(os.fsdecode(bytes(landing / "Stra") + b"\xdfe.txt")).touch()
    manifest, _, _ = admit_shop(tmp_path, landing)
    assert _kinds(manifest)["file_not_read"] == (1, "Stra\\xdfe.txt")
    Path(os.fsdecode(bytes(_in_parts(landing) / "M") + b"\xe4rz.csv")).write_text(TRANSACTIONS)
    with pytest.raises(SourceError, match=r"M\\xe4rz.csv in .*: the file's name is not UTF-8. Rename it"):
        admit_shop(tmp_path, landing)


def test_a_second_header_in_another_case_is_refused_in_a_table_of_texts(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    with (landing / "products.csv").open("a") as products:
        products.write(PRODUCTS.splitlines()[0].upper() + "\n")
    assert "line 5 holds column names again" in _refused(tmp_path, landing)


def test_a_short_row_after_a_very_long_field_is_named_by_its_own_line(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / "products.csv").write_text(f"product_id,category\n0099,{'x' * 200_000}\n0100\n")
    message = _refused(tmp_path, landing)
    assert "line 3" in message
    assert "a quote that does not fit" not in message
