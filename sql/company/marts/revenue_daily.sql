-- Grain: one row per business day, domain, measure and currency. Measures bear the names of metrics; they
-- mean different things and are never added.
with parts as (
    select
        s.day,
        'retail' as domain,
        'retail_revenue' as measure,
        'USD' as currency,
        s.revenue as amount
    from marts.retail_sales_daily as s
    union all
    select
        i.day,
        'invoicing' as domain,
        'invoiced_gross' as measure,
        'USD' as currency,
        i.gross_amount as amount
    from marts.invoicing_daily as i
    union all
    select
        i.day,
        'invoicing' as domain,
        'invoiced_net' as measure,
        'USD' as currency,
        i.net_amount as amount
    from marts.invoicing_daily as i
    union all
    select
        p.day,
        'invoicing' as domain,
        'collected' as measure,
        'USD' as currency,
        p.collected_amount as amount
    from marts.invoicing_collected_daily as p
    union all
    select
        b.day,
        'billing' as domain,
        'billed' as measure,
        'USD' as currency,
        b.sales_amount as amount
    from marts.billing_sales_daily as b
    union all
    select
        b.day,
        'billing' as domain,
        'billed_net_of_cancelled' as measure,
        'USD' as currency,
        b.sales_amount as amount
    from marts.billing_sales_daily as b
    where b.status_name not in ('CANCELLED', 'REFUNDED')
    union all
    select
        c.day,
        'channels' as domain,
        'payment_volume' as measure,
        'INR' as currency,
        c.successful_payment_volume as amount
    from marts.channels_daily as c
    union all
    select
        c.day,
        'channels' as domain,
        'fee_revenue' as measure,
        'INR' as currency,
        c.revenue as amount
    from marts.channels_daily as c
)

select
    p.day,
    p.domain,
    p.measure,
    p.currency,
    sum(p.amount) as amount
from parts as p
where p.day is not null
group by p.day, p.domain, p.measure, p.currency
