-- Grain: one row per invoice (invoice_id).
select
    i.invoice_id,
    i.invoice_no,
    i.invoice_date,
    ops.date_key(i.invoice_date) as invoice_date_key,
    i.client_id,
    i.seller_id,
    i.total_net_worth,
    i.total_vat,
    i.total_gross_worth,
    i.status,
    i.created_at,
    i.updated_at
from staging.invoicing_invoices as i
