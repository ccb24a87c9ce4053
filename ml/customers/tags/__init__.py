"""Profile tags: habits, interests, statements about a household and fields that a customer gave, each with evidence."""

from ml.customers.tags.tags import Tags

__all__ = ["Tags"]
