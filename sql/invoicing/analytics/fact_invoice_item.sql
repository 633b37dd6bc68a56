-- Grain: one row per line of an invoice (item_id). A line whose invoice is not there yet has no invoice date.
select
    t.item_id,
    t.invoice_id,
    ops.date_key(i.invoice_date) as invoice_date_key,
    t.product_id,
    t.item_qty,
    t.item_net_price,
    t.item_net_worth,
    t.item_vat_rate,
    t.item_gross_worth,
    t.created_at
from staging.invoicing_invoice_items as t
left join staging.invoicing_invoices as i on t.invoice_id = i.invoice_id
