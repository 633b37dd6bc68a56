"""Which tables lack something is told from the versions of their inputs."""

import psycopg

from sales_platform.engine.versions import consume_tables, publish_versions, table_is_stale

TABLE, INPUT = "analytics.dim_thing", "staging.demo_things"


def test_a_table_whose_input_never_published_a_change_is_not_stale_once_it_looked(warehouse_url: str) -> None:
    with psycopg.connect(warehouse_url) as connection:
        assert table_is_stale(connection, TABLE, [INPUT], "logic")
        consume_tables(connection, TABLE, [INPUT], "logic")
        assert not table_is_stale(connection, TABLE, [INPUT], "logic")
        publish_versions(connection, INPUT)
        assert table_is_stale(connection, TABLE, [INPUT], "logic")


def test_a_table_made_by_other_logic_or_changed_behind_its_back_is_stale(warehouse_url: str) -> None:
    with psycopg.connect(warehouse_url) as connection:
        publish_versions(connection, INPUT)
        consume_tables(connection, TABLE, [INPUT], "logic")
        assert table_is_stale(connection, TABLE, [INPUT], "other logic")
        publish_versions(connection, TABLE)
        assert table_is_stale(connection, TABLE, [INPUT], "logic")
