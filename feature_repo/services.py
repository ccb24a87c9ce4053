"""The feature services: what each consumer reads, under a name with a version."""

from feast import FeatureService, FeatureView

from feature_repo.entities import OWNER

_SERVICES = {
    "retrieval_query_v1": (
        ["customer_history", "customer_profile"],
        "What the query tower and the running service read of a customer.",
    ),
    "retrieval_candidate_v1": (
        ["product_content", "product_activity"],
        "What the candidate tower reads of a product.",
    ),
    "labels_v1": (
        ["customer_purchases"],
        "What a customer bought in the 4 weeks before the event time: the truth a model is judged by.",
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
        for name, (members, description) in _SERVICES.items()
    ]
