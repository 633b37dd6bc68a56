create table quality.rejected_record (
    rejected_id bigint generated always as identity primary key,
    feed text not null,
    scope text not null,
    partition text not null,
    source_row bigint not null,
    business_key jsonb,
    reason text not null,
    reasons text[] not null,
    raw_record jsonb not null,
    record_hash text not null,
    occurrence integer not null,
    origin text not null check (origin in ('reader', 'contract', 'conflict')),
    first_load_id bigint not null,
    last_load_id bigint not null,
    first_seen timestamptz not null default clock_timestamp(),
    last_seen timestamptz not null default clock_timestamp(),
    resolved_at timestamptz,
    resolution text,
    unique (feed, scope, record_hash, occurrence)
);
comment on table quality.rejected_record is
'Every row that was refused, as it was received, with all reasons and what became of it';
comment on column quality.rejected_record.scope is
'What a rerun replaces: the partition, or the file for a feed without partitions';
comment on column quality.rejected_record.origin is
'reader: the line is no record; contract: a rule refused it; conflict: it lost to another row of its key';
create index rejected_record_open on quality.rejected_record (feed, partition) where resolved_at is null;
create index rejected_record_by_reason on quality.rejected_record (feed, reason, last_seen);
