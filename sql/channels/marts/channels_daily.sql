-- Grain: one row per day, channel, city and customer segment. Parameter: partitions, an array of days.
select
    f._partition,
    f.transaction_date as day,
    f.channel_key,
    coalesce(ch.channel_name, 'Unknown') as channel_name,
    f.city_key,
    coalesce(ci.city_name, 'Unknown') as city_name,
    coalesce(ci.state, 'Unknown') as state,
    coalesce(ci.region, 'Unknown') as region,
    coalesce(cu.segment, 'Unknown') as segment,
    count(*) as transactions,
    count(*) filter (where f.status = 'success') as successful_transactions,
    count(*) filter (where f.status = 'failed') as failed_transactions,
    sum(f.amount) as attempted_amount,
    coalesce(sum(f.amount) filter (where f.status = 'success'), 0) as successful_payment_volume,
    coalesce(sum(f.amount) filter (where f.status = 'failed'), 0) as failed_amount,
    coalesce(sum(f.fee_amount), 0) as fee_amount,
    coalesce(sum(f.revenue), 0) as revenue,
    count(*) filter (where f.fee_percent is null) as transactions_without_fee,
    coalesce(sum(f.processing_time), 0) as processing_time_sum,
    count(f.processing_time) as processing_time_count
from analytics.fact_transaction as f
inner join analytics.dim_channel as ch on f.channel_key = ch.channel_key
inner join analytics.dim_city as ci on f.city_key = ci.city_key
inner join analytics.dim_channel_customer as cu on f.customer_key = cu.customer_key
where f._partition = any(:'partitions'::text[])
group by
    f._partition, f.transaction_date, f.channel_key, ch.channel_name, f.city_key, ci.city_name, ci.state,
    ci.region, coalesce(cu.segment, 'Unknown')
