-- Grain: one row per business day, product, store and the customer in the version in force. Parameter:
-- partitions, an array of days.
select
    f._partition,
    f._partition::date as day,
    f.product_key,
    coalesce(p.product_name, 'Unknown') as product_name,
    coalesce(p.category, 'Unknown') as category,
    f.store_key,
    coalesce(st.store_name, 'Unknown') as store_name,
    coalesce(st.region, 'Unknown') as region,
    f.customer_key,
    f.customer_id,
    coalesce(c.loyalty_tier, 'Unknown') as loyalty_tier,
    count(*) as sales,
    sum(f.quantity) as quantity,
    sum(f.revenue) as revenue,
    count(*) filter (where f.customer_version_inferred) as sales_version_inferred
from analytics.fact_sales as f
inner join analytics.dim_customer as c on f.customer_key = c.customer_key
inner join analytics.dim_product as p on f.product_key = p.product_key
inner join analytics.dim_store as st on f.store_key = st.store_key
where f._partition = any(:'partitions'::text[])
group by
    f._partition, f.product_key, p.product_name, p.category, f.store_key, st.store_name, st.region,
    f.customer_key, f.customer_id, coalesce(c.loyalty_tier, 'Unknown')
