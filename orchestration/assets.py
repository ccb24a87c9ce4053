"""Define all assets that one DAG passes to another.

| asset    | emitted by                       | consumed by         | travels with the event     |
|----------|----------------------------------|---------------------|----------------------------|
| features | `build_features` (`materialize`) | `retrain_recommender` | `as_of`: the day they are of |
| feedback | `collect_feedback` (`build_facts`)     | no DAG: reports and tools of your own | nothing |
"""

from airflow.sdk import Asset

FEATURES = Asset(name="features", uri="reach://features")
FEEDBACK = Asset(name="feedback", uri="reach://feedback")
