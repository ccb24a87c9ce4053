"""The largest numbers that Reach computes with: one set for the events endpoint, landing tables and the warehouse.

The warehouse keeps money and quantities as DECIMAL(18, 4), which holds numbers below 10^14. A test compares.
"""

from datetime import date

EARLIEST_DAY = date(1990, 1, 1)
"""Dates before it are mistakes: years of two digits, 1900 and 1970 as "unknown". `REACH_EARLIEST_DAY` moves it for the
tables of a landing."""

MAX_UNITS = 100_000
"""Units of one event."""

MAX_PRICE = 10_000_000
"""Money for one unit of an event, in the shop's currency."""

MAX_NUMBER = MAX_UNITS * MAX_PRICE
"""What a number of a landing table may be at most, above or below zero: as much as the dearest event is worth."""
