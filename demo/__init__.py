"""The demonstration: a real Airflow and a real service on this machine, in one command."""
