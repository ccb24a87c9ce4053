"""The words that mean "we do not know": an id or a text that is one of them is missing."""

WORDS: tuple[str, ...] = (
    *("", "-", "?", "none", "unknown", "none/unknown", "null", "nan", "n/a", "na", "not available"),
    *("<na>", "nat", "nil", "undefined", "(null)", "<null>", "\\n"),
    # What Excel shows in place of a value; #NV is its German #N/A.
    *("#n/a", "#nv", "#ref!", "#value!", "#name?", "#div/0!", "#null!", "#num!"),
)
"""Compared without case and surrounding blanks; `\\n` is the export format of MySQL and PostgreSQL.

dbt cleans texts by the same words: a test keeps its variable `missing_words` equal.
"""
