"""Make consents and addresses for the demo's customers, because the data set has none.

No address is real: each lies below `demo.invalid`, a domain that never exists (RFC 2606). Each answer has the source
`made for the demo`. The same customers get the same rows on every machine.

All answers are older than 2018-01-01, the day after the newest purchase. So a plan as of that day and a plan as of now
find the same consents. Each yes is older than the first purchase. The withdrawals are spread over 2017, so a plan at an
earlier day finds fewer withdrawals.
"""

SEED = 7
MADE = "made for the demo"
DOMAIN = "demo.invalid"

ADDRESS_SHARE, ANSWER_SHARE, WITHDRAWN_SHARE = 0.92, 0.65, 0.08
"""Share of customers with an address, with a yes to e-mails, and of those the share who withdrew it later."""


def _draw(name: str) -> str:
    """Return SQL for a number from 0 to 1 that depends on the seed, a name and the customer's id alone."""
    return f"(('0x' || left(sha256('{name}:{SEED}:' || customer_id), 8))::UBIGINT / 4294967296.0)"


def _instant(first: str, days: int, name: str) -> str:
    """Return SQL for an instant within some days after a first one, in whole seconds."""
    return f"(TIMESTAMP '{first}' + to_seconds(CAST(floor({_draw(name)} * {days * 86_400}) AS BIGINT)))"


_CUSTOMERS = "(SELECT DISTINCT household_id::VARCHAR AS customer_id FROM {transactions})"
_SIGNED_UP = _instant("2016-11-14", 47, "signed up")
_WITHDREW = _instant("2017-01-08", 357, "withdrew")
_ANSWERED = f"{_draw('answered')} < {ANSWER_SHARE}"

MADE_QUERIES = {
    "consents": f"""
        SELECT customer_id, 'email' AS channel, 'marketing' AS purpose, granted, since, '{MADE}' AS source
        FROM (
            SELECT customer_id, true AS granted, {_SIGNED_UP} AS since FROM {_CUSTOMERS} WHERE {_ANSWERED}
            UNION ALL
            SELECT customer_id, false, {_WITHDREW} FROM {_CUSTOMERS}
            WHERE {_ANSWERED} AND {_draw("has withdrawn")} < {WITHDRAWN_SHARE}
        )
        ORDER BY customer_id, since""",
    "contacts": f"""
        SELECT customer_id, 'email' AS channel, 'customer-' || customer_id || '@{DOMAIN}' AS address,
               NULL::VARCHAR AS timezone, {_SIGNED_UP} AS since
        FROM {_CUSTOMERS} WHERE {_draw("has an address")} < {ADDRESS_SHARE}
        ORDER BY customer_id""",
}
"""A query per made table, in the contract's shape, over the packaged transactions."""
