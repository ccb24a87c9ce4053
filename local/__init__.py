"""The whole stack on one machine: start and stop Airflow and the service, follow runs, run dbt by hand."""
