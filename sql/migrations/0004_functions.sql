-- The business time zone lives in the warehouse, so that psql and the platform cut days alike. Migrating
-- writes the function anew with the zone of the settings; being immutable, it costs nothing per row.
create function ops.business_zone() returns text
language sql immutable parallel safe
return 'UTC';
comment on function ops.business_zone is 'The time zone in which a business day is taken';

create function ops.business_day(instant timestamptz) returns date
language sql stable parallel safe
return (instant at time zone ops.business_zone())::date;
comment on function ops.business_day is 'The day of an instant in the business time zone';

create function ops.date_key(day date) returns integer
language sql immutable parallel safe
return
date_part('year', day)::integer * 10000 + date_part('month', day)::integer * 100
+ date_part('day', day)::integer;
comment on function ops.date_key is 'YYYYMMDD as an integer, the key of analytics.dim_date';

create function ops.calendar(first_day date, last_day date) returns table (
    date_key integer, date date, year integer, quarter integer, month integer, month_name text, day integer,
    day_of_week integer, day_name text, week_of_year integer, weekday_flag integer
)
language sql immutable parallel safe
begin atomic
    select
        ops.date_key(d.day) as date_key,
        d.day as date,
        extract(year from d.day)::integer as year,
        extract(quarter from d.day)::integer as quarter,
        extract(month from d.day)::integer as month,
        (
            array['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
        )[extract(month from d.day)] as month_name,
        extract(day from d.day)::integer as day,
        extract(dow from d.day)::integer + 1 as day_of_week,
        (array['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'])[extract(dow from d.day)::integer + 1]
            as day_name,
        extract(week from d.day)::integer as week_of_year,
        case when extract(isodow from d.day) < 6 then 1 else 0 end as weekday_flag
    from (select first_day + n as day from generate_series(0, last_day - first_day) as n) as d;
end;
comment on function ops.calendar is 'Rows of analytics.dim_date from one day to another, both included';

create function ops.natural_order(name text) returns text
language sql immutable parallel safe
return regexp_replace(
    regexp_replace(name, '[0-9]+', '00000000000000000000\&', 'g'), '[0-9]*([0-9]{20})', '\1', 'g'
) collate "C";
comment on function ops.natural_order is
'A name that sorts with its digits as numbers: part 9 before part 10';
