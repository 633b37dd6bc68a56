-- Grain: one row per calendar day (date_key). A fact that names a day outside this range adds the day itself.
select
    c.date_key,
    c.date,
    c.year,
    c.quarter,
    c.month,
    c.month_name,
    c.day,
    c.day_of_week,
    c.day_name,
    c.week_of_year,
    c.weekday_flag
from ops.calendar('2000-01-01'::date, '2050-12-31'::date) as c
