-- Invoices whose VAT is further from the VAT of their lines than a cent per line, which is what rounding
-- each line or only their sum can make. The VAT of a line is gross less net; one without worths is
-- reckoned by its rate.
with priced as (
    select
        t.invoice_id,
        t.item_gross_worth,
        coalesce(t.item_vat_rate, 10) as vat_rate,
        coalesce(t.item_net_worth, round(t.item_qty * t.item_net_price, 2)) as net
    from staging.invoicing_invoice_items as t
),

lines as (
    select
        p.invoice_id,
        sum(coalesce(p.item_gross_worth - p.net, round(p.net * p.vat_rate / 100, 2))) as vat,
        count(*) as items
    from priced as p
    group by p.invoice_id
)

select
    i.invoice_id,
    i.invoice_no,
    i.total_vat,
    coalesce(l.vat, 0) as items_vat,
    coalesce(i.total_vat, 0) - coalesce(l.vat, 0) as difference,
    coalesce(l.items, 0) as items
from staging.invoicing_invoices as i
left join lines as l on i.invoice_id = l.invoice_id
where abs(coalesce(i.total_vat, 0) - coalesce(l.vat, 0)) > 0.01 * coalesce(l.items, 0)
order by i.invoice_id
