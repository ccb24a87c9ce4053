"""How many steps may run side by side, and why.

`local/` and `deploy/` create these pools; a task whose pool is missing would wait for ever.
"""

# One step at a time among those that write (or read whole) the admitted tables, the warehouse, the
# feature folders and the registry: none of them is made for two writers, and each may fill the machine.
DATA = "reach"
# Watchers of dbt's models: each takes a second of processor time to start, which the build needs more.
DBT = "reach_dbt"
# Rankers write to folders of their own, so they compete side by side.
RANKERS = "reach_rankers"
# Sending waits for customers' mail servers, not for this machine, and must not wait for a training.
OUTBOX = "reach_outbox"

SLOTS = {DATA: 1, DBT: 2, RANKERS: 2, OUTBOX: 1}
