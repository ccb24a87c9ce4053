"""What the DAGs share: how a step starts, dbt by Cosmos, defaults, pools, assets, alerts."""
