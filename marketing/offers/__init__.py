"""Offers: which coupon for which customer under a budget, by expected incremental margin."""
