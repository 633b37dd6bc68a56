alter table ops.load
add column columns text[];
comment on column ops.load.columns is
'The header of the file that landed, so that a column that was not there differs from one that was empty';

create table ops.tracked_set (
    dimension text not null,
    since timestamptz not null,
    tracked text[] not null,
    kept_first text[] not null,
    newest_load_id bigint,
    primary key (dimension, since)
);
comment on table ops.tracked_set is
'Whose changes open a version of a dimension, for events after a time; written once, read by history';
comment on column ops.tracked_set.since is
'-infinity: the first set';
comment on column ops.tracked_set.newest_load_id is
'The newest load that the dimension took in under this set: what came before the next one';
