-- Grain: one row per issue date, customer and state.
select
    f.issue_date_key,
    f.issue_date as day,
    f.customer_key,
    c.customer_id,
    coalesce(c.customer_name, 'Unknown') as customer_name,
    f.status_key,
    coalesce(s.status_name, 'Unknown') as status_name,
    count(*) as invoices,
    sum(f.qty) as qty,
    sum(f.total) as sales_amount,
    coalesce(sum(f.total) filter (where s.status_name = 'PENDING'), 0) as pending_amount
from analytics.fact_billing_invoice as f
inner join analytics.dim_billing_customer as c on f.customer_key = c.customer_key
inner join analytics.dim_billing_status as s on f.status_key = s.status_key
group by
    f.issue_date_key, f.issue_date, f.customer_key, c.customer_id, c.customer_name, f.status_key,
    s.status_name
