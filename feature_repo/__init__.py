"""Feast's feature repository: entities, sources, views and services, as `feast apply` reads them."""
