-- Roles belong to the whole server, so another warehouse on it may have made them already.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['sales_platform_loader', 'sales_platform_transformer', 'sales_platform_reader'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin', wanted);
            exception when duplicate_object or unique_violation then
                null;
            end;
        end if;
    end loop;
end
$$;

grant usage on schema raw, staging, quality, ops to sales_platform_loader;
grant usage on schema raw, staging, analytics, marts, quality, ops to sales_platform_transformer;
grant usage on schema analytics, marts, quality, ops to sales_platform_reader;

grant select, insert, update, delete on all tables in schema ops, quality
to sales_platform_loader, sales_platform_transformer;
grant select on all tables in schema ops, quality to sales_platform_reader;
grant usage on all sequences in schema ops, quality to sales_platform_loader, sales_platform_transformer;

alter default privileges in schema raw, staging
grant select, insert, update, delete on tables to sales_platform_loader;
alter default privileges in schema raw, staging grant select on tables to sales_platform_transformer;
alter default privileges in schema analytics, marts
grant select, insert, update, delete on tables to sales_platform_transformer;
alter default privileges in schema analytics, marts grant select on tables to sales_platform_reader;
