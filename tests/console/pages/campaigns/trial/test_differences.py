"""Two messages side by side, and two versions of a file."""

from console.pages.campaigns.trial.differences import changed_lines, marked


def test_the_words_that_differ_are_marked_and_nothing_is_lost() -> None:
    left, right = "Dear customer,\nbuy Tea now", "Dear customer,\nbuy Oat Milk"
    found = marked(left, right)
    assert ["".join(piece.text for piece in side) for side in found] == [left, right]
    differing = ["".join(piece.text for piece in side if piece.differs) for side in found]
    assert "Tea" in differing[0]
    assert "Milk" in differing[1]
    assert not any("Dear" in text or "buy" in text for text in differing)


def test_equal_texts_have_no_marks() -> None:
    assert not any(piece.differs for side in marked("a b", "a b") for piece in side)


def test_a_comparison_of_files_shows_changed_lines() -> None:
    assert list(changed_lines("a\nb\n", "a\nc\n")) == [("@", "…"), (" ", "a"), ("-", "b"), ("+", "c")]
