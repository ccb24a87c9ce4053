"""Landing: a retailer's tables, checked against one documented contract and cut at what was known by a day.

The door is `python -m landing`; what it publishes is read from `settings.paths.admitted`.
"""
