alter table ops.load
add column resubmission boolean not null default false;
comment on column ops.load.resubmission is
'Whether its rows in raw are corrections: each takes the place of the line of its partition that it corrects';

alter table quality.rejected_record
add column attempts integer not null default 0;
comment on column quality.rejected_record.attempts is
'How often it was resubmitted or judged again on request and still refused';
