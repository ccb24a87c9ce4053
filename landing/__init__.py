"""Check a retailer's tables against one documented contract, and admit the rows known before a day.

Run it with `python -m landing`. It publishes the admitted tables in `settings.paths.admitted`.
"""
