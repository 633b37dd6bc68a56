-- Grain: one row per day and age bucket, from the first to the last day that an invoice or payment names.
-- An invoice's balance stands from one of its days to the next and moves on to older buckets meanwhile. A
-- payment before the date of its invoice counts with the youngest; one without its invoice pays nothing yet.
with movements as (
    select
        i.invoice_id,
        i.invoice_date,
        i.invoice_date as day,
        coalesce(i.total_gross_worth, 0) as amount
    from analytics.fact_invoice as i
    union all
    select
        p.invoice_id,
        i.invoice_date,
        p.payment_date as day,
        -p.amount as amount
    from analytics.fact_payment as p
    inner join analytics.fact_invoice as i on p.invoice_id = i.invoice_id
),

balances as (
    select
        m.invoice_date,
        m.day,
        lead(m.day) over (partition by m.invoice_id order by m.day) as next_day,
        sum(sum(m.amount)) over (partition by m.invoice_id order by m.day) as balance
    from movements as m
    group by m.invoice_id, m.invoice_date, m.day
),

-- few rows from here on: many invoices share their date and the days on which they change
standing as (
    select
        b.invoice_date,
        b.day,
        b.next_day,
        sum(b.balance) as amount,
        count(*) filter (where b.balance > 0) as invoices
    from balances as b
    where b.balance <> 0
    group by b.invoice_date, b.day, b.next_day
),

buckets (age_bucket, youngest, oldest) as (
    values ('0-30', null, 30), ('31-60', 31, 60), ('61-90', 61, 90), ('over 90', 91, null)
),

spans as (
    select
        k.age_bucket,
        s.amount,
        s.invoices,
        greatest(s.day, s.invoice_date + k.youngest) as first_day,
        least(s.next_day, s.invoice_date + k.oldest + 1) as day_after
    from standing as s
    cross join buckets as k
),

steps as (
    select
        s.age_bucket,
        s.first_day as day,
        s.amount,
        s.invoices
    from spans as s
    where s.day_after is null or s.first_day < s.day_after
    union all
    select
        s.age_bucket,
        s.day_after as day,
        -s.amount as amount,
        -s.invoices as invoices
    from spans as s
    where s.first_day < s.day_after
),

bounds as (
    select
        min(m.day) as first_day,
        max(m.day) as last_day
    from movements as m
),

days as (
    select b.first_day + n.days as day
    from bounds as b
    cross join generate_series(0, b.last_day - b.first_day) as n (days)
)

select
    d.day,
    ops.date_key(d.day) as date_key,
    k.age_bucket,
    coalesce(sum(sum(s.amount)) over (partition by k.age_bucket order by d.day), 0) as open_amount,
    coalesce(sum(sum(s.invoices)) over (partition by k.age_bucket order by d.day), 0)::bigint as invoices
from days as d
cross join buckets as k
left join steps as s on d.day = s.day and k.age_bucket = s.age_bucket
group by d.day, k.age_bucket
