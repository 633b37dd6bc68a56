"""A fuse in the warehouse: at the n-th statement that writes into a table, the server ends the engine's sessions.

It burns on the server, like a kill between any two instructions of ours; no engine code is replaced.
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
create or replace function fuse.on_write() returns trigger language plpgsql as
$$ begin perform fuse.burn(); return null; end $$;
do $$
declare t regclass;
begin
    for t in select c.oid::regclass from pg_class as c where c.relkind = 'r' and c.relnamespace in (
        'raw'::regnamespace, 'staging'::regnamespace, 'analytics'::regnamespace, 'marts'::regnamespace,
        'ops'::regnamespace, 'quality'::regnamespace
    ) loop
        execute format('drop trigger if exists fuse_before on %s', t);
        execute format('drop trigger if exists fuse_after on %s', t);
        execute format(
            'create trigger fuse_before before insert or update or delete on %s for each statement
            execute function fuse.on_write()', t
        );
        execute format(
            'create trigger fuse_after after insert or update or delete on %s for each statement
            execute function fuse.on_write()', t
        );
    end loop;
end $$;
"""


def fit_fuse(world: World) -> None:
    """Before and after every write into a table that stands now; it does not burn before it is lit."""
    world.execute(_SETUP)
    put_out(world)


def light(world: World, moments: int) -> None:
    """Burn at the n-th moment from here: each write has one before and one after it, over all sessions."""
    world.execute("select setval('fuse.countdown', 1000000 - %s)", moments)


def put_out(world: World) -> None:
    world.execute("select setval('fuse.countdown', 2000000)")


def has_burnt(world: World) -> bool:
    ((value,),) = world.query("select last_value from fuse.countdown")
    return bool(1_000_000 <= value < 2_000_000)
