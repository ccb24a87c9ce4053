"""Offers: who redeems a campaign's coupons, and which coupon for whom."""

from ml.customers.offers.part import OffersPart

__all__ = ["OffersPart"]
