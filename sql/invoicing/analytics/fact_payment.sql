-- Grain: one row per payment (payment_id). What it says of its invoice is unknown until that is there.
select
    p.payment_id,
    p.invoice_id,
    p.payment_date,
    ops.date_key(p.payment_date) as payment_date_key,
    p.payment_method,
    p.payment_reference,
    p.amount,
    p.remarks,
    p.created_at,
    ops.date_key(i.invoice_date) as invoice_date_key,
    i.created_at as invoice_created_at,
    i.client_id,
    i.seller_id
from staging.invoicing_payments as p
left join staging.invoicing_invoices as i on p.invoice_id = i.invoice_id
