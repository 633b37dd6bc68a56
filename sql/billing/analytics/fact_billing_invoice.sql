-- Grain: one row per invoice (invoice_id).
select
    i.invoice_id,
    i.issue_date,
    ops.date_key(i.issue_date) as issue_date_key,
    i.customer_id,
    i.item_description,
    i.status,
    i.qty::integer as qty,
    i.unit_price,
    i.total
from staging.billing_invoices as i
