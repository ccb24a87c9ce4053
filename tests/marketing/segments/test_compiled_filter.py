"""Every text is a filter that DuckDB accepts, or an error that names the fault."""

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketing.segments import CompiledFilter, FilterError, Vocabulary, compile_filter, open_scores, read_vocabulary
from tests.support.marketing.published_scores import write_scores

Opened = tuple[duckdb.DuckDBPyConnection, Vocabulary]

WORDS = st.sampled_from(
    [
        *("and", "or", "not", "in", "(", ")", ".", ",", "=", "!=", "<", "<=", ">", ">=", "<>", "0.3", "30%", "-1"),
        *("lapse_8w", "spend_8w", "segment", "value", "taste", "tag", "confidence", "likes", "due", "basket_value"),
        *('"high"', '"SODA"', "'yes'", "\"O'BRIEN'S\"", '"it""s"', "'", '"'),
    ]
)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with open_scores(write_scores(tmp_path_factory.mktemp("scores"))) as connection:
        yield connection, read_vocabulary(connection)


def compiled_or_error(text: str, vocabulary: Vocabulary) -> CompiledFilter | FilterError:
    try:
        return compile_filter(text, vocabulary)
    except FilterError as error:
        return error


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(), st.lists(WORDS, max_size=14).map(" ".join)))
def test_any_text_is_an_error_or_one_select(opened: Opened, text: str) -> None:
    connection, vocabulary = opened
    compiled = compiled_or_error(text, vocabulary)
    if isinstance(compiled, FilterError):
        assert 1 <= compiled.position <= len(text) + 1
        return
    statements = duckdb.extract_statements(compiled.sql)
    assert [statement.type for statement in statements] == [duckdb.StatementType.SELECT]
    assert "'" not in compiled.sql
    connection.execute(compiled.sql, list(compiled.parameters)).fetchall()


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 1, "the filter is empty"),
        ("lapse_8w > ", 12, "the end of the filter cannot stand here; allowed: a number or a quoted text"),
        ("lapse_8w > 1 2", 14, "allowed: 'and', 'or' or the end"),
        ("laps_8w > 1", 1, "the prediction 'laps_8w' is unknown. Nearest: 'lapse_8w'"),
        ("likes > 1", 1, "'likes' is a tag. Write tag.likes"),
        ('lapse_8w > "1"', 12, "lapse_8w is a number, and '1' is a quoted text"),
        ("segment.valu = 'high'", 9, "the axis of segments 'valu' is unknown. Nearest: 'value'"),
        ("segment.value = 'hihg'", 17, "the value of segment.value 'hihg' is unknown. Nearest: 'high'"),
        ("segment.value > 'high'", 17, "compare it with = != in or not in, not >"),
        ("segment.value = 3", 17, "needs a quoted text"),
        ("sgment.value = 'high'", 1, "the word before the dot 'sgment' is unknown. Nearest: 'segment'"),
        ("likes('SODDA')", 7, "the value of likes 'SODDA' is unknown. Nearest: 'SODA'"),
        ("like('SODA')", 1, "the tag 'like' is unknown. Nearest: 'likes'"),
        ("due('COAL')", 5, "the category due 'COAL' is unknown. Known: 'BEEF', 'SODA'"),
        ("tag.age_55 > 3", 14, "its values are texts, such as 'no'"),
        ("lapse_8w > 0.3 and 'x", 20, "the quote ' is not closed"),
        ("lapse_8w > 1e999", 12, "too large"),
        ("lapse_8w ; drop", 10, "';' cannot stand here"),
        ("not " * 60 + "lapse_8w > 1", 205, "nested more than 50 deep"),
        ("lapse_8w > 1 or " * 200 + "lapse_8w > 1", 3201, "more than 200 comparisons"),
        ("x" * 20_000, 10_001, "10,000 are allowed"),
    ],
)
def test_an_error_names_position_value_and_what_is_allowed(
    opened: Opened, text: str, position: int, message: str
) -> None:
    with pytest.raises(FilterError) as raised:
        compile_filter(text, opened[1])

    assert message in str(raised.value)
    assert raised.value.position == position
