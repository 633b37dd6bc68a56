"""The raw table into which tests of copying land records, and how their properties are tried on it."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

RECEIVED_TABLE = """
create sequence line;
create table received (id text, name text, amount text,
    _load_id bigint default current_setting('sales_platform.load_id')::bigint,
    _partition text default current_setting('sales_platform.partition'),
    _source_row bigint default nextval('line'))
"""

# One database serves all examples of a property; each is rolled back.
examples = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
