"""Every type of PostgreSQL arrives with its value, and what did not change writes nothing, however it is looked at."""

from __future__ import annotations

import pytest

from sales_platform_tests.engine.oltp.world import World, fates

# type of the source's column, values as SQL, type in the warehouse, their text there (None: as in the source)
CASES = [
    ("numeric", ["1.0000000000000000000000001", "'NaN'", "'infinity'", "-0.0"], "numeric", None),
    ("numeric(12,2)", ["1.10", "-9999999999.99"], "numeric(12,2)", None),
    ("numeric[]", ["'{1.5,NULL,NaN}'", "'{}'", "'{{1,2},{3,4}}'"], "numeric[]", None),
    ("text[]", ["array['a', null, 'b,\"', '']", "'[2:3]={x,y}'"], "text[]", None),
    ("varchar(20)", ["'Ünï – \U0001f600'", "''", "' '"], "character varying(20)", None),
    ("char(3)", ["'a'", "'abc'"], "character(3)", None),
    ('"char"', ["'x'"], '"char"', None),
    ("name", ["'a name'"], "name", None),
    ("jsonb", ["""'{"b": 1.10, "a": [null, "x"]}'""", "'null'"], "jsonb", None),
    ("json", ["""'{"b":1,  "b":2}'"""], "json", None),
    ("json[]", ["""array['{"a":1}'::json, null]"""], "json[]", None),
    ("uuid", ["'00000000-0000-0000-0000-00000000000a'"], "uuid", None),
    ("bytea", [r"'\x00ff10'", "''"], "bytea", None),
    ("shop.size", ["'small'"], "text", None),
    ("shop.size[]", ["array['small', null, 'large']::shop.size[]"], "text[]", None),
    ("shop.money12", ["12.30"], "numeric(12,2)", None),
    ("shop.sized", ["'large'"], "text", None),
    ("shop.moment", ["'2026-01-01 10:00'"], "timestamp with time zone", ["2026-01-01 09:00:00+00"]),
    ("shop.money12[]", ["array[1.10, 2.20]::shop.money12[]"], "text[]", None),
    ("shop.place", ["row('a, \"b\"', 1)::shop.place"], "text", None),
    ("date", ["'infinity'", "'-infinity'", "'4713-01-01 BC'", "'5874897-12-31'"], "date", None),
    (
        "timestamptz",
        ["'infinity'", "'-infinity'", "'294276-12-31 23:59:59.999999+00'"],
        "timestamp with time zone",
        None,
    ),
    ("timestamp", ["'infinity'", "'-infinity'"], "timestamp with time zone", None),
    ("timestamp(0)", ["'2026-07-01 10:00'"], "timestamp(0) with time zone", ["2026-07-01 08:00:00+00"]),
    ("timestamp[]", ["'{2026-07-01 10:00}'"], "timestamp without time zone[]", None),
    ("time", ["'24:00'"], "time without time zone", None),
    ("timetz", ["'10:00+05'"], "time with time zone", None),
    ("interval", ["'1 year -2 mons 3 days 04:05:06.7'", "'24:00:00'", "'infinity'"], "interval", None),
    ("float8", ["'NaN'", "'-infinity'", "0.1", "1e-300", "'-0'"], "double precision", None),
    ("float4", ["'NaN'", "0.1"], "real", None),
    ("bit(5)", ["b'10101'"], "bit(5)", None),
    ("bit varying", ["b'1'", "b''"], "bit varying", None),
    ("boolean", ["true", "false"], "boolean", None),
    ("oid", ["4294967295"], "oid", None),
    ("regclass", ["'pg_class'"], "text", ["pg_class"]),
    ("money", ["12.30::numeric::money"], "numeric", ["12.30"]),
    ("inet", ["'::1/64'", "'10.0.0.1'"], "inet", None),
    ("cidr", ["'10.0.0.0/8'"], "cidr", None),
    ("macaddr", ["'08:00:2b:01:02:03'"], "macaddr", None),
    ("int4range", ["'[1,5)'", "'empty'"], "int4range", None),
    ("tstzmultirange", ["'{[2026-01-01 00:00+00,)}'"], "tstzmultirange", None),
    ("point", ["'(1,2)'"], "point", None),
    ("box[]", ["'{(1,1),(0,0)}'"], "box[]", None),
    ("tsvector", ["'a:1 b:2'"], "tsvector", None),
    ("pg_lsn", ["'0/16B3748'"], "pg_lsn", None),
    ("citext", ["'AbC'"], "text", None),
    ("citext[]", ["array['AbC', null]::citext[]"], "text[]", None),
    ("hstore", ["'a=>1, b=>NULL'"], "text", None),
]


@pytest.fixture
def typed(empty_world: World) -> World:
    world = empty_world
    world.terms = {"zone": "Europe/Berlin"}
    world.do(
        "create extension if not exists citext",
        "create extension if not exists hstore",
        "create type shop.size as enum ('small', 'large')",
        "create domain shop.money12 as numeric(12,2)",
        "create domain shop.sized as shop.size",
        "create domain shop.moment as timestamp",
        "create type shop.place as (street text, number int)",
    )
    return world


def _text(kind: str) -> str:
    return "{}::numeric::text" if kind == "money" else "{}::text"


@pytest.mark.parametrize("cursor", ["updated_at", "none"])
def test_i_18_every_type_arrives_and_is_not_written_again(typed: World, cursor: str) -> None:
    """One column per type, a row for each of its values and one of NULLs; looked at in windows and compared."""
    columns = {f"c{n}": case for n, case in enumerate(CASES)}
    declared = ", ".join(f"{name} {case[0]}" for name, case in columns.items())
    typed.do(f"create table shop.kinds (id int primary key, {declared})")
    typed.do("alter table shop.kinds add updated_at timestamptz default '2026-01-01 00:00+00'")
    for row in range(5):
        given = {name: case[1][row] for name, case in columns.items() if row < len(case[1])}
        typed.do(
            f"insert into shop.kinds ({', '.join(['id', *given])}) values ({', '.join([str(row), *given.values()])})"
        )
    typed.tables = {"kinds": {"key": ["id"], "cursor": cursor}}

    typed.load()

    held = typed.held(
        ", ".join(["id", *(_text(case[0]).format(name) for name, case in columns.items())]), "kinds"
    )
    for name, (kind, values, carried, texts) in columns.items():
        found = typed.staged(f"id, {name}::text", "kinds")
        expected = texts or [row[1 + list(columns).index(name)] for row in held][: len(values)]
        assert [text for _, text in found][: len(values)] == expected, kind
        assert all(text is None for _, text in found[len(values) :]), kind
        standing = typed.ask(
            "select format_type(atttypid, atttypmod) from pg_attribute"
            f" where attrelid = 'staging.shop_kinds'::regclass and attname = '{name}'"
        )
        assert standing == [(carried,)], kind

    assert fates(typed.load()) == (5, 0, 5, 0)
    compared = typed.load(comparing=True).compared
    assert compared is not None
    assert (compared.buckets, compared.differences, typed.logged("kinds")) == (0, 0, 5)


@pytest.mark.parametrize(
    ("kind", "before", "after", "writes"),
    [
        ("numeric", "1.0", "1.00", 0),
        ("numeric", "1.0", "1.01", 1),
        ("json", "'{\"a\":1}'", "'{\"a\": 1}'", 1),
        ("jsonb", "'{\"a\":1}'", "'{\"a\": 1}'", 0),
        ("float8", "'NaN'", "'NaN'", 0),
        ("float8", "'NaN'", "null", 1),
        ("text", "''", "null", 1),
        ("text", "'a'", "'a '", 1),
        ("char(3)", "'a'", "'a '", 0),
        ("citext", "'a'", "'A'", 1),
        ("point", "'(1,2)'", "'(1,3)'", 1),
        ("box", "'(1,1),(0,0)'", "'(2,1),(1,0)'", 1),
        ("text[]", "'{a,NULL}'", "'{a,b}'", 1),
        ("shop.size", "'small'", "'large'", 1),
        ("regclass", "'pg_class'", "'pg_type'", 1),
    ],
)
def test_s_51_a_change_is_what_postgresql_says_is_unequal(
    typed: World, kind: str, before: str, after: str, writes: int
) -> None:
    typed.do(
        f"create table shop.kinds (id int primary key, v {kind}, updated_at timestamptz default clock_timestamp())",
        f"insert into shop.kinds values (1, {before})",
    )
    typed.tables = {"kinds": {"key": ["id"], "cursor": "updated_at"}}
    typed.load()
    typed.do(f"update shop.kinds set v = {after}")

    assert fates(typed.load())[1] == writes
    assert typed.load(comparing=True).compared.differences == 0  # type: ignore[union-attr]


def test_s_46_names_of_every_kind_are_carried(typed: World) -> None:
    long = "n" * 63
    names = ["select", "order", "Mixed Case", "100%", 'quo"te', "t", "s", "r", "c", "l", "key", long]
    columns = [f'''"{name.replace('"', '""')}"''' for name in names]
    typed.do(
        f'create table shop."Order %s" ("user" int, {" int, ".join(columns)} int,'
        ' "when" timestamptz default clock_timestamp(), primary key ("user", "select"))',
        f'insert into shop."Order %s" values ({", ".join(str(n) for n in range(len(names) + 1))})',
        'create view shop.orders_view as select * from shop."Order %s"',
    )
    typed.tables = {
        "orders_view": {
            "key": ["user", "select"],
            "cursor": "when",
            "columns": {"100%": {"required": True}, "Mixed Case": {"accepted": ["3"]}},
        }
    }
    wanted = ", ".join(['"user"', *columns])

    typed.load()
    typed.do('update shop."Order %s" set "order" = 77, "when" = clock_timestamp()')
    typed.load()
    typed.load(comparing=True)

    assert typed.staged(wanted, "orders_view") == typed.held(wanted, "orders_view")


def test_i_30_a_generated_column_is_read_like_any_other(typed: World) -> None:
    typed.do(
        "create table shop.lines (id int primary key, n int, twice int generated always as (n * 2) stored,"
        " updated_at timestamptz default clock_timestamp())",
        "insert into shop.lines (id, n) values (1, 4)",
    )
    typed.tables = {"lines": {"key": ["id"], "cursor": "updated_at"}}
    typed.load()
    typed.do("update shop.lines set n = 5, updated_at = clock_timestamp()")
    typed.load()

    assert typed.staged("id, n, twice", "lines") == [(1, 5, 10)]
