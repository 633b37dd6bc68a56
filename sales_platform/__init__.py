"""The sales platform: five source systems, one PostgreSQL warehouse, Dagster assets."""
