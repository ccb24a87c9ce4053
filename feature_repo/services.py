"""The feature services: what each consumer reads, under a name with a version."""

from feast import FeatureService, FeatureView

from feature_repo.entities import OWNER
from features.services import CANDIDATE_SERVICE, LABEL_SERVICE, QUERY_SERVICE

SERVICES = {
    QUERY_SERVICE: (
        ["customer_history", "customer_profile"],
        "Customer features for the query tower and the running service.",
    ),
    CANDIDATE_SERVICE: (
        ["product_content", "product_activity"],
        "Product features for the candidate tower.",
    ),
    LABEL_SERVICE: (
        ["customer_purchases"],
        "Purchases of a customer in the 4 weeks before the event time: the ground truth of evaluations.",
    ),
}


def feature_services(views: list[FeatureView]) -> list[FeatureService]:
    """All services over these views. Names of features repeat over views: read them as `view__feature`."""
    by_name = {view.name: view for view in views}
    return [
        FeatureService(
            name=name,
            features=[by_name[view] for view in members],
            description=description,
            owner=OWNER,
        )
        for name, (members, description) in SERVICES.items()
    ]
