create table ops.incident (
    incident_id bigint generated always as identity primary key,
    kind text not null check (kind in ('run_failure', 'check_failure', 'reject_limit', 'overdue')),
    subject text not null,
    message text not null,
    link text,
    times integer not null default 1,
    opened_at timestamptz not null,
    last_seen_at timestamptz not null,
    closed_at timestamptz,
    check (last_seen_at >= opened_at and closed_at >= opened_at)
);
comment on table ops.incident is
'What went wrong and needs a person, from the first time it was seen until all of it is mended';
comment on column ops.incident.times is 'How often it was seen while it was open';
create index incident_open on ops.incident (opened_at) where closed_at is null;

create table ops.incident_part (
    kind text not null,
    name text not null,
    partition text not null default '',
    incident_id bigint not null references ops.incident,
    exact boolean not null,
    failed_at timestamptz not null,
    mended_at timestamptz,
    primary key (kind, name, partition)
);
comment on table ops.incident_part is
'The newest state of everything that ever failed; a part belongs to one incident at a time';
comment on column ops.incident_part.name is 'A step, a check as table:check, or a feed';
comment on column ops.incident_part.exact is
'False: the partitions of one run of which some failed, and nobody said which; one that passes mends all';
comment on column ops.incident_part.mended_at is 'Null while it is broken';
create index incident_part_broken on ops.incident_part (incident_id) where mended_at is null;

create table ops.alert (
    incident_id bigint not null references ops.incident,
    event text not null check (event in ('opened', 'closed')),
    text text not null,
    made_at timestamptz not null default clock_timestamp(),
    tries integer not null default 0,
    sent_at timestamptz,
    primary key (incident_id, event)
);
comment on table ops.alert is
'What people are told: once that an incident opened, once that it is over; unsent ones wait here';
create index alert_unsent on ops.alert (made_at) where sent_at is null;

grant select, insert, update, delete on ops.incident, ops.incident_part, ops.alert
to sales_platform_loader, sales_platform_transformer;
grant select on ops.incident, ops.incident_part, ops.alert to sales_platform_reader;
