-- Invoices whose net total is not the sum of their lines, to the cent. A line that the system left without
-- a worth counts with quantity times price, rounded.
with lines as (
    select
        t.invoice_id,
        sum(coalesce(t.item_net_worth, round(t.item_qty * t.item_net_price, 2))) as net,
        count(*) as items
    from staging.invoicing_invoice_items as t
    group by t.invoice_id
)

select
    i.invoice_id,
    i.invoice_no,
    i.total_net_worth,
    coalesce(l.net, 0) as items_net_worth,
    coalesce(i.total_net_worth, 0) - coalesce(l.net, 0) as difference,
    coalesce(l.items, 0) as items
from staging.invoicing_invoices as i
left join lines as l on i.invoice_id = l.invoice_id
where coalesce(i.total_net_worth, 0) <> coalesce(l.net, 0)
order by i.invoice_id
