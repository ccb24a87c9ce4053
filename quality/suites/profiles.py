"""List the expectations of the scores of customers, which must hold before publication."""

from quality.check import AT_LEAST, BETWEEN, IN_SET, check

_SCORE_AGAIN = "Look at the part of the customer model that writes it, then score again."

FILES = [
    check(
        "score_files_can_be_read",
        "files",
        IN_SET,
        "A table is truncated. " + _SCORE_AGAIN,
        column="readable",
        value_set=[True],
    ),
    check(
        "score_files_have_rows",
        "files",
        AT_LEAST,
        "A table is empty, so no customer would have a score. " + _SCORE_AGAIN,
        column_A="rows",
        column_B="least_rows",
        or_equal=True,
    ),
]

REST = [
    check(
        "no_column_is_personal",
        "columns",
        IN_SET,
        "Scores carry the shop's id of a customer and no name, address or birthday. Leave the column out.",
        column="is_personal",
        value_set=[False],
    ),
    check(
        "score_ids_are_present",
        "ids",
        BETWEEN,
        "A row has no customer. " + _SCORE_AGAIN,
        column="missing",
        max_value=0,
    ),
    check(
        "score_ids_are_known",
        "ids",
        BETWEEN,
        "A customer is not in the feature tables that were scored. Score the published features.",
        column="unknown",
        max_value=0,
    ),
    check(
        "score_ids_are_unique",
        "ids",
        BETWEEN,
        "A customer has two predictions, the same tag twice, or two segments on one axis. " + _SCORE_AGAIN,
        column="repeated",
        max_value=0,
    ),
    check(
        "probabilities_are_not_below_zero",
        "probabilities",
        BETWEEN,
        "A probability or confidence is negative. " + _SCORE_AGAIN,
        column="lowest",
        min_value=0,
    ),
    check(
        "probabilities_are_not_above_one",
        "probabilities",
        BETWEEN,
        "A probability or confidence is above one. " + _SCORE_AGAIN,
        column="highest",
        max_value=1,
    ),
    check(
        "probabilities_are_present",
        "probabilities",
        BETWEEN,
        "A probability is missing, NaN or infinite. " + _SCORE_AGAIN,
        column="missing",
        max_value=0,
    ),
    check(
        "intervals_are_in_order",
        "intervals",
        BETWEEN,
        "An interval does not contain its prediction, or a list has another length than its probabilities. "
        + _SCORE_AGAIN,
        column="disordered",
        max_value=0,
    ),
    check(
        "tags_have_evidence",
        "tags",
        BETWEEN,
        "A tag has no row or no dates behind it. " + _SCORE_AGAIN,
        column="without_evidence",
        max_value=0,
    ),
    check(
        "evidence_lies_before_as_of",
        "tags",
        BETWEEN,
        "A tag's evidence reaches beyond the day of the scores: it leaks the future. " + _SCORE_AGAIN,
        column="after_as_of",
        max_value=0,
    ),
    check(
        "segments_keep_their_shares",
        "shares",
        BETWEEN,
        "A segment grew or shrank by a third since the last publication. Is it a season, a campaign or a defect?",
        column="share_ratio",
    ),
]
