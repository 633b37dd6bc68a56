create view quality.rejected_invoices as
select
    q.business_key ->> 0 as invoice_id,
    q.reason,
    q.raw_record,
    q.last_load_id::text as batch_id,
    q.partition as file_name,
    q.last_seen as rejected_ts
from quality.rejected_record as q
where q.feed = 'billing_invoices' and q.resolved_at is null;
comment on view quality.rejected_invoices is
'Billing lines that stand rejected now, as received, each with the first rule that it fails';
comment on column quality.rejected_invoices.invoice_id is
'As the line was read; null where it had none and none was made up';
comment on column quality.rejected_invoices.batch_id is
'Load that brought the line as it stands, ops.load.load_id';
comment on column quality.rejected_invoices.rejected_ts is
'When the line was refused last; quality.rejected_record says when first';
grant select on quality.rejected_invoices
to sales_platform_loader, sales_platform_transformer, sales_platform_reader;
