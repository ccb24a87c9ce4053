"""Segments by rule: a filter that a marketer writes over predictions, tags and segments, checked before it runs."""

from marketing.segments.compiled_filter import CompiledFilter, compile_filter
from marketing.segments.errors import FilterError
from marketing.segments.selection import Selection, select
from marketing.segments.vocabulary import Vocabulary, open_scores, read_vocabulary

__all__ = [
    "CompiledFilter",
    "FilterError",
    "Selection",
    "Vocabulary",
    "compile_filter",
    "open_scores",
    "read_vocabulary",
    "select",
]
