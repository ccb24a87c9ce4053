"""Campaigns: definition files, contact policy, triggers and plans.

A plan is a pure function of published scores, a campaign, contacts and an instant. Nothing here sends a message.
"""
