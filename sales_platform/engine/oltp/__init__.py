"""Tables of live PostgreSQL databases: read in one snapshot, logged in raw, compared. Knows no file and no Dagster."""
