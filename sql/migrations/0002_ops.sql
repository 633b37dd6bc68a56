create table ops.load (
    load_id bigint generated always as identity primary key,
    feed text not null,
    partition text not null,
    source text not null,
    content_hash text,
    contract_hash text,
    landed boolean not null default false,
    status text not null default 'running'
    check (status in ('running', 'succeeded', 'unchanged', 'refused', 'failed')),
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    rows_read bigint not null default 0,
    rows_loaded bigint not null default 0,
    rows_unchanged bigint not null default 0,
    rows_duplicate bigint not null default 0,
    rows_superseded bigint not null default 0,
    rows_rejected bigint not null default 0,
    bytes_read bigint not null default 0,
    run_id text,
    message text,
    constraint rows_are_conserved check (
        status <> 'succeeded'
        or rows_read = rows_loaded + rows_unchanged + rows_duplicate + rows_superseded + rows_rejected
    )
);
comment on table ops.load is
'One row per load of one partition of one feed, with the fate of every row that it read';
comment on column ops.load.contract_hash is
'The contract by which the rows were judged; another one means: judge again';
comment on column ops.load.landed is
'Whether the rows of this load are in raw; a load that only judged again landed nothing';
create index load_by_partition on ops.load (feed, partition, load_id);

create table ops.watermark (
    feed text primary key,
    position timestamptz,
    open_transactions jsonb not null default '[]',
    updated_at timestamptz not null default clock_timestamp()
);
comment on table ops.watermark is
'How far each table of a source was read, and which transactions were open there';

create table ops.snapshot (
    feed text not null,
    snapshot_at timestamptz not null,
    complete boolean not null,
    load_id bigint not null references ops.load,
    primary key (feed, snapshot_at)
);
comment on table ops.snapshot is 'When each snapshot of a feed was true; written once, read by history';

create sequence ops.surrogate_key_seq;
comment on sequence ops.surrogate_key_seq is
'Every surrogate key of every dimension; a key is never issued twice';

create table ops.surrogate_key (
    dimension text not null,
    business_key jsonb not null,
    effective_start_date timestamptz not null,
    surrogate_key bigint primary key,
    merged_into bigint
);
comment on table ops.surrogate_key is
'Which key each version bears, kept apart from the dimension so that a rebuild gives the same keys';
comment on column ops.surrogate_key.effective_start_date is
'-infinity: a member without history, or one known from a fact only';
comment on column ops.surrogate_key.merged_into is
'The key of the version that took over when this one vanished (S-71)';

create sequence ops.version_seq;

create table ops.table_version (
    table_name text primary key,
    version bigint not null,
    logic_hash text,
    published_at timestamptz not null default clock_timestamp()
);
comment on table ops.table_version is 'Rises with every publication that changed a table';

create table ops.partition_version (
    table_name text not null,
    partition text not null,
    version bigint not null,
    primary key (table_name, partition)
);
comment on table ops.partition_version is 'Rises with every publication that changed a partition of a table';

create table ops.consumed_version (
    consumer text not null,
    input text not null,
    partition text not null,
    version bigint not null,
    logic_hash text not null,
    primary key (consumer, input, partition)
);
comment on table ops.consumed_version is
'Which version of its input each table holds, and by which logic; the difference is what is stale';

create table ops.dimension_reference (
    fact text not null,
    role text not null,
    dimension text not null,
    business_columns text[] not null,
    at_column text,
    primary key (fact, role)
);
comment on table ops.dimension_reference is
'Which facts point at which dimension, so that a changed version re-points them';
create index dimension_reference_by_dimension on ops.dimension_reference (dimension);
