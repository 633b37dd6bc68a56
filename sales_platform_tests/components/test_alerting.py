"""Which ends of runs are worth an alert, and which mend what: decisions over plain values, without Dagster."""

from __future__ import annotations

from datetime import UTC, datetime

from sales_platform.components.alerting import recoveries, troubles
from sales_platform.components.run_outcomes import EndedCheck, EndedRun, EndedStep, Scope
from sales_platform.engine.incidents import CHECK_FAILURE, REJECT_LIMIT, RUN_FAILURE, Part, Recovery

AT = datetime(2026, 3, 5, 2, tzinfo=UTC)
DAY = frozenset(["2026-03-04"])
DAYS = frozenset(["2026-03-03", "2026-03-04"])
LINK = "http://127.0.0.1:3000/runs/7"


def step(
    name: str = "retail_sales",
    scope: Scope = DAY,
    *,
    passed: bool | None = False,
    why: str = "no such file",
) -> EndedStep:
    return EndedStep(name, (f"raw/{name}", f"staging/{name}"), scope, passed, AT, why)


def check(name: str = "unique", scope: Scope = DAY, **more: object) -> EndedCheck:
    given = {"step": "checks", "table": "staging/retail_sales", "alarming": True, "at": AT, "told": "3 rows"}
    return EndedCheck(name=name, scope=scope, **{**given, **more})  # type: ignore[arg-type]


def run(*parts: EndedStep | EndedCheck, failed: bool = True, will_retry: bool = False) -> EndedRun:
    steps = tuple(part for part in parts if isinstance(part, EndedStep))
    checks = tuple(part for part in parts if isinstance(part, EndedCheck))
    return EndedRun("7", failed, will_retry, AT, steps, checks)


def test_a_failed_step_is_told_with_its_tables_its_day_its_error_and_what_to_do() -> None:
    (trouble,) = troubles(run(step(), step("dim", passed=True)), LINK)
    assert (trouble.kind, trouble.subject, trouble.link) == (
        RUN_FAILURE,
        "raw/retail_sales, staging/retail_sales for 2026-03-04",
        LINK,
    )
    assert trouble.message == "no such file. When the cause is mended, run it again."
    assert trouble.parts == (Part("retail_sales", "2026-03-04"),)


def test_all_failed_steps_of_a_run_are_one_alert() -> None:
    (trouble,) = troubles(run(step("a"), step("b", None)), LINK)
    assert trouble.subject == "raw/a, staging/a, raw/b and 1 more for 2026-03-04"
    assert trouble.parts == (Part("a", "2026-03-04"), Part("b"))


def test_a_run_that_is_started_once_more_by_itself_is_not_told_yet() -> None:
    assert troubles(run(step(), will_retry=True), LINK) == []


def test_a_step_that_failed_for_its_own_check_is_told_as_the_check_alone() -> None:
    limit = check("reject_limit", step="retail_sales", told="30 % of a file's rows rejected")
    (trouble,) = troubles(run(step(), limit), LINK)
    assert (trouble.kind, trouble.subject) == (REJECT_LIMIT, "staging/retail_sales for 2026-03-04")
    assert trouble.message.startswith("30 % of a file's rows rejected. `sales-platform rejected list`")


def test_a_warning_is_no_alert_and_an_error_is_one_even_where_the_run_succeeded() -> None:
    assert troubles(run(check(alarming=False), failed=False), LINK) == []
    (trouble,) = troubles(run(check(), failed=False), LINK)
    assert (trouble.kind, trouble.subject) == (CHECK_FAILURE, "unique of staging/retail_sales for 2026-03-04")


def test_a_run_whose_process_died_is_one_alert_for_all_that_it_left_undone() -> None:
    (trouble,) = troubles(run(step("a", passed=True), step("b", passed=None), step("c", passed=None)), LINK)
    assert [part.name for part in trouble.parts] == ["b", "c"]
    assert "its process died" in trouble.message


def test_a_check_over_a_range_breaks_the_days_that_it_names_and_mends_the_others() -> None:
    ended = run(check(scope=DAYS, bad=DAY))
    (trouble,) = troubles(ended, LINK)
    assert trouble.parts == (Part("staging/retail_sales:unique", "2026-03-04"),)
    (mended,) = recoveries(ended)
    assert (mended.name, mended.partitions) == ("staging/retail_sales:unique", frozenset(["2026-03-03"]))


def test_a_range_of_which_no_bad_day_is_named_is_broken_inexactly() -> None:
    (trouble,) = troubles(run(step(scope=DAYS)), LINK)
    assert trouble.subject.endswith("for 2 partitions, 2026-03-03 to 2026-03-04")
    assert [part.exact for part in trouble.parts] == [False, False]


def test_what_passed_mends_steps_and_checks_in_its_own_days_only() -> None:
    ended = run(step(passed=True), check(alarming=False), check("range", None, alarming=False), failed=False)
    assert recoveries(ended) == [
        Recovery((RUN_FAILURE,), "retail_sales", DAY, AT),
        Recovery((CHECK_FAILURE, REJECT_LIMIT), "staging/retail_sales:unique", DAY, AT),
        Recovery((CHECK_FAILURE, REJECT_LIMIT), "staging/retail_sales:range", None, AT),
    ]
    assert recoveries(run(step(), check())) == []
