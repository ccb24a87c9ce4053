"""Keep what was decided about customers, and send messages at most once: the store and its senders.

The only package that opens a connection to the outside. It does not choose customers or content: `marketing/campaigns`
builds a plan, `planning.enqueue` stores it, `python -m outbox send` sends it.
"""
