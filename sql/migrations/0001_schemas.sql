-- The layers of the warehouse. Tables of raw, staging, analytics and marts are made from contracts, not here.
create extension if not exists btree_gist;

create schema if not exists raw;
create schema if not exists staging;
create schema if not exists analytics;
create schema if not exists marts;
create schema if not exists quality;
create schema if not exists ops;

comment on schema raw is 'As received: every line and every row version, as text';
comment on schema staging is 'Typed, judged and deduplicated';
comment on schema analytics is 'Star schema: dimensions with history, and facts';
comment on schema marts is 'Ready to serve: additive figures by day and dimension';
comment on schema quality is 'Rows that were refused, with their reasons';
comment on schema ops is 'The platform''s own record: loads, watermarks, snapshots, keys, versions';
