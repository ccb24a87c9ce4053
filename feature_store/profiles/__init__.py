"""Customers' profiles in the online store: a Feast project apart from that of the recommender's features."""
