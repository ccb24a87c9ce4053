"""What customers do and what they were shown, as it happens: the journal that the service writes.

`serving` appends and reads a customer's recent purchases; the `collect_feedback` DAG reads on from a cursor. Knows
`settings` only, so that either may import it. `events.event_log.open_journal` opens it.
"""
