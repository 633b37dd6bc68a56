-- The schema of the simulated invoicing system, and how sessions of its database begin.
create schema if not exists invoicing;

-- search_path: its users write both `clients` and `invoicing.clients`.
-- timezone: the tables keep moments without a zone, which are UTC here whoever writes them.
do $$
begin
    execute format('alter database %I set search_path = invoicing, public', current_database());
    execute format('alter database %I set timezone = %L', current_database(), 'UTC');
end
$$;
