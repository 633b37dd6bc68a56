-- Who serves figures logs in as the owner and becomes the reader. An owner that did not make the role, and
-- may not grant it, is told when it serves; all else works without.
do $$
begin
    if not pg_has_role(current_user, 'sales_platform_reader', 'SET') then
        grant sales_platform_reader to current_user with inherit false, set true;
    end if;
exception when insufficient_privilege or unique_violation then
    null;
end
$$;

-- The grain of this mart became the customer's version, so that sales can be told by the tier of today too.
-- The next run makes it anew, every day of it.
drop table if exists marts.retail_sales_daily;
delete from ops.consumed_version
where consumer = 'marts.retail_sales_daily';
