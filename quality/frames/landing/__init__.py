"""Summarise the admitted tables in small frames."""
