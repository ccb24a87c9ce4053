"""Name the feature services that training and serving read; `feature_repo.services` defines them."""

QUERY_SERVICE = "retrieval_query_v1"
"""The customer features that the query tower and the running service read."""

CANDIDATE_SERVICE = "retrieval_candidate_v1"
"""The product features that the candidate tower reads."""

LABEL_SERVICE = "labels_v1"
"""What customers bought."""
