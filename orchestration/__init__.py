"""Share code between the DAGs: operators, dbt through Cosmos, defaults, pools, assets, alerts."""
