"""What one DAG hands to another, all in one place.

| asset    | emitted by                       | consumed by         | travels with the event     |
|----------|----------------------------------|---------------------|----------------------------|
| features | `build_features` (`materialize`) | `retrain_recommender` | `as_of`: the day they are of |
| feedback | `collect_feedback` (`build_facts`)     | nobody here: reports and tools of your own | nothing |
"""

from airflow.sdk import Asset

FEATURES = Asset(name="features", uri="reach://features")
FEEDBACK = Asset(name="feedback", uri="reach://feedback")
