"""Store what customers do and what they were shown, as it happens: the event log that the service writes.

`serving` appends events and decisions and reads a customer's recent purchases. The `collect_feedback` DAG reads the log
onward from a position. `events.factory` opens the log that an installation uses.
"""
