"""List the words that mean "unknown": an id or a text that is one of them counts as missing."""

WORDS: tuple[str, ...] = (
    *("", "-", "?", "none", "unknown", "none/unknown", "null", "nan", "n/a", "na", "not available"),
    *("<na>", "nat", "nil", "undefined", "(null)", "<null>", "\\n"),
    # Excel shows these instead of a value; #NV is the German #N/A.
    *("#n/a", "#nv", "#ref!", "#value!", "#name?", "#div/0!", "#null!", "#num!"),
)
"""Compared without regard to case and surrounding blanks; `\\n` is the export format of MySQL and PostgreSQL.

dbt cleans texts with the same words: a test compares them with its variable `missing_words`.
"""
