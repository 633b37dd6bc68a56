-- Grain: one row per payment date and the invoice's client and seller, in their versions.
with added as (
    select
        p.payment_date_key,
        p.payment_date as day,
        p.client_key,
        p.seller_key,
        count(*) as payments,
        sum(p.amount) as collected_amount
    from analytics.fact_payment as p
    group by p.payment_date_key, p.payment_date, p.client_key, p.seller_key
)

select
    a.payment_date_key,
    a.day,
    a.client_key,
    c.client_id,
    coalesce(c.client_name, 'Unknown') as client_name,
    a.seller_key,
    s.seller_id,
    coalesce(s.seller_name, 'Unknown') as seller_name,
    a.payments,
    a.collected_amount
from added as a
left join analytics.dim_client as c on a.client_key = c.client_key
left join analytics.dim_seller as s on a.seller_key = s.seller_key
