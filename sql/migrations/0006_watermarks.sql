alter table ops.watermark
add column listed_at timestamptz,
add column newest timestamptz,
add column source_identity text,
add column first_load jsonb;
comment on column ops.watermark.position is
'Stamps before it were all seen; what is read next begins here';
comment on column ops.watermark.open_transactions is
'Transactions that were open in the source at listed_at: when they end, their time is read again';
comment on column ops.watermark.listed_at is
'When, by the source''s clock, its open transactions were listed';
comment on column ops.watermark.newest is
'The newest stamp that was seen';
comment on column ops.watermark.source_identity is
'Server, timeline and database that the position belongs to; another one means: compare everything';
comment on column ops.watermark.first_load is 'How far a first load has come; null when it is done';
