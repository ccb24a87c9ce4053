"""How many steps may run side by side, and why.

`local/` and `deploy/` create these pools; a task whose pool is missing would wait for ever.
"""

# One step at a time among those that write (or read whole) the admitted tables, the warehouse, the
# feature folders and the registry: none of them is made for two writers, and each may fill the machine.
DATA = "reach"
# Watchers of dbt's models: each takes a second of processor time to start, which the build needs more.
DBT = "reach_dbt"
# Steps that only read the warehouse hold the file for seconds, and a writer waits that long (dbt/profiles.yml).
WAREHOUSE = "reach_warehouse"
# Rankers write to folders of their own, so they compete side by side.
RANKERS = "reach_rankers"
# Fitting the customer model reads published features and writes to a folder of its own, so it fills the core that most
# steps of a retraining leave idle.
CUSTOMERS = "reach_customers"
# Sending waits for customers' mail servers, not for this machine, and must not wait for a training.
OUTBOX = "reach_outbox"

SLOTS = {DATA: 1, DBT: 2, WAREHOUSE: 1, RANKERS: 2, CUSTOMERS: 1, OUTBOX: 1}
