-- Grain: one row per sale (sale_id). Parameter: partitions, an array of days.
select
    s._partition,
    s.sale_id,
    s.customer_id,
    s.product_id,
    s.store_id,
    s.sale_timestamp,
    ops.date_key(ops.business_day(s.sale_timestamp)) as sale_date_key,
    s.quantity,
    round(s.revenue / s.quantity, 4) as unit_price,
    s.revenue
from staging.retail_sales as s
where s._partition = any(:'partitions'::text[])
