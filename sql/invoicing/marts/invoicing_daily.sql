-- Grain: one row per invoice date and the client and seller in their versions. A payment counts on the date
-- of its invoice.
with parts as (
    select
        i.invoice_date_key,
        i.invoice_date as day,
        i.client_key,
        i.seller_key,
        1 as invoices,
        i.total_net_worth as net_amount,
        i.total_vat as vat_amount,
        i.total_gross_worth as gross_amount,
        0 as paid_amount,
        i.status
    from analytics.fact_invoice as i
    union all
    select
        p.invoice_date_key,
        null as day,
        p.client_key,
        p.seller_key,
        0 as invoices,
        0 as net_amount,
        0 as vat_amount,
        0 as gross_amount,
        p.amount as paid_amount,
        null as status
    from analytics.fact_payment as p
    where p.invoice_date_key is not null
),

added as (
    select
        a.invoice_date_key,
        max(a.day) as day,
        a.client_key,
        a.seller_key,
        sum(a.invoices) as invoices,
        coalesce(sum(a.net_amount), 0) as net_amount,
        coalesce(sum(a.vat_amount), 0) as vat_amount,
        coalesce(sum(a.gross_amount), 0) as gross_amount,
        sum(a.paid_amount) as paid_amount,
        count(*) filter (where a.status = 'UNPAID') as unpaid_invoices,
        count(*) filter (where a.status = 'PARTIALLY_PAID') as partially_paid_invoices,
        count(*) filter (where a.status = 'PAID') as paid_invoices
    from parts as a
    group by a.invoice_date_key, a.client_key, a.seller_key
)

select
    a.invoice_date_key,
    a.day,
    a.client_key,
    c.client_id,
    coalesce(c.client_name, 'Unknown') as client_name,
    a.seller_key,
    s.seller_id,
    coalesce(s.seller_name, 'Unknown') as seller_name,
    a.invoices,
    a.net_amount,
    a.vat_amount,
    a.gross_amount,
    a.paid_amount,
    a.gross_amount - a.paid_amount as open_amount,
    a.unpaid_invoices,
    a.partially_paid_invoices,
    a.paid_invoices
from added as a
left join analytics.dim_client as c on a.client_key = c.client_key
left join analytics.dim_seller as s on a.seller_key = s.seller_key
