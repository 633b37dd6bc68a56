-- Grain: one row per transaction (transaction_id). Parameter: partitions, an array of days.
with fees as (
    -- each fee from its own start to the next one's; the first also holds for every day before it
    select
        ch.source_channel_key,
        ch.fee_percent,
        case
            when lag(ch.effective_start_date) over channel is null then '-infinity'
            else ch.effective_start_date
        end as holds_from,
        coalesce(lead(ch.effective_start_date) over channel, 'infinity') as holds_to
    from analytics.dim_channel as ch
    where ch.source_channel_key is not null
    window channel as (partition by ch.source_channel_key order by ch.effective_start_date)
)

select
    t._partition,
    t.transaction_id,
    t._partition::date as transaction_date,
    t.date_key,
    t.customer_key as source_customer_key,
    t.channel_key as source_channel_key,
    t.city_key as source_city_key,
    t.amount,
    t.status,
    t.processing_time,
    case
        when t.processing_time is null then 'unknown'
        when t.processing_time < 1 then 'fast'
        when t.processing_time < 3 then 'medium'
        else 'slow'
    end as processing_delay_bucket,
    f.fee_percent,
    -- exact: two decimals times four times two are eight, and a product is not cut as a quotient is
    (t.amount * f.fee_percent * 0.01)::numeric(20, 8) as fee_amount,
    case when t.status = 'success' then t.amount * f.fee_percent * 0.01 else 0 end::numeric(20, 8) as revenue
from staging.channels_transactions as t
left join fees as f
    on
        t.channel_key = f.source_channel_key
        and t._partition::date >= f.holds_from
        and t._partition::date < f.holds_to
where t._partition = any(:'partitions'::text[])
