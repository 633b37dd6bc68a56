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
