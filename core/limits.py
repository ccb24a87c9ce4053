"""Define the largest numbers that Reach computes with, for the events endpoint, landing tables and the warehouse.

The warehouse keeps money and quantities as DECIMAL(18, 4), which holds numbers below 10^14. A test compares the two.
"""

from datetime import date

EARLIEST_DAY = date(1990, 1, 1)
"""Earlier dates are mistakes: years of two digits, or 1900 and 1970 as "unknown". `REACH_EARLIEST_DAY` changes it
for landing tables."""

MAX_UNITS = 100_000
"""Units of one event."""

MAX_PRICE = 10_000_000
"""Money for one unit of an event, in the shop's currency."""

MAX_RATING = 1_000
"""The largest absolute value on the scale of a rating."""

MAX_QUERY_CHARS = 200
"""Characters of the query of a search."""

MAX_NUMBER = MAX_UNITS * MAX_PRICE
"""The largest absolute value in a landing table: the value of the largest possible event."""
