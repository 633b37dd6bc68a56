"""A fuse in the warehouse: after so many statements that write or define, the server ends its own client's sessions.

It burns inside the statement, on the server, like a kill between any two instructions of ours; no engine code is replaced.
"""

from __future__ import annotations

from sales_platform_tests.engine.history.world import World

_SETUP = """
create schema if not exists fuse;
create sequence if not exists fuse.countdown;
create or replace function fuse.burn() returns void language plpgsql as $$
begin
    if nextval('fuse.countdown') = 1000000 then
        perform pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and application_name = 'sales_platform';
        perform pg_terminate_backend(pg_backend_pid());
    end if;
end $$;
create or replace function fuse.on_definition() returns event_trigger language plpgsql as
$$ begin perform fuse.burn(); end $$;
create or replace function fuse.on_write() returns trigger language plpgsql as
$$ begin perform fuse.burn(); return null; end $$;
drop event trigger if exists fuse;
create event trigger fuse on ddl_command_end execute function fuse.on_definition();
do $$
declare t regclass;
begin
    for t in select c.oid::regclass from pg_class as c where c.relkind = 'r' and c.relnamespace in (
        'raw'::regnamespace, 'staging'::regnamespace, 'analytics'::regnamespace, 'marts'::regnamespace,
        'ops'::regnamespace, 'quality'::regnamespace
    ) loop
        execute format('drop trigger if exists fuse on %s', t);
        execute format(
            'create trigger fuse after insert or update or delete on %s for each statement execute function fuse.on_write()', t
        );
    end loop;
end $$;
"""


def fit_fuse(world: World) -> None:
    """Into every table that stands now, and every definition from now on; it does not burn before it is lit."""
    world.execute(_SETUP)
    put_out(world)


def light(world: World, statements: int) -> None:
    """Burn at the given statement from here, counted over all sessions."""
    world.execute("select setval('fuse.countdown', 1000000 - %s)", statements)


def put_out(world: World) -> None:
    world.execute("select setval('fuse.countdown', 2000000)")


def has_burnt(world: World) -> bool:
    ((value,),) = world.query("select last_value from fuse.countdown")
    return bool(1_000_000 <= value < 2_000_000)
