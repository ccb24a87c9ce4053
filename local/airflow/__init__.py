"""Airflow's processes on this machine, and its REST API."""
