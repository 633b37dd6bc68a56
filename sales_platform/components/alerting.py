"""What is worth an alert in the end of a run, and what of it is mended. Pure decisions over plain values."""

from __future__ import annotations

from collections.abc import Iterable

from sales_platform.components.audit_check import AUDIT
from sales_platform.components.feed_checks import REJECT_LIMIT as REJECT_LIMIT_CHECK
from sales_platform.components.run_outcomes import EndedCheck, EndedRun, EndedStep, Scope
from sales_platform.engine.incidents import (
    CHECK_FAILURE,
    REJECT_LIMIT,
    RUN_FAILURE,
    Part,
    Recovery,
    Trouble,
)

NAMED = 3

_LATER_TABLES_WAIT = "Later tables wait; the check shows samples and the SQL that lists every offender."
_BACKUPS = "backup/blob_backup"
_RESTORE_IS_AT_RISK = (
    "`sales-platform backup list` shows which backups can be restored; `backup create` makes another."
)
_FOLLOWS = {
    AUDIT: "What stood before still stands; the check shows the figures and samples.",
    REJECT_LIMIT_CHECK: "`sales-platform rejected list` names the reasons.",
}


def troubles(run: EndedRun, link: str) -> list[Trouble]:
    """What failed for good. A step that failed for its own check is that check's trouble alone; all other failed steps
    of a run are one. Of a run that is started once more only its checks count.
    """
    checks = [_of_check(check, link) for check in run.checks if check.alarming]
    if not run.failed or run.will_retry:
        return checks
    explained = {check.step for check in run.checks if check.alarming}
    failed = [step for step in run.steps if step.passed is False and step.step not in explained]
    if failed:
        return [*checks, _of_steps(failed, failed[0].why, link)]
    unfinished = [step for step in run.steps if step.passed is None]
    if not explained and unfinished:
        why = "the run ended before its steps did: its process died or never started."
        return [*checks, _of_steps(unfinished, why, link)]
    return checks


def recoveries(run: EndedRun) -> list[Recovery]:
    """What passed: steps, checks, and of checks over many partitions those that passed."""
    steps = [Recovery((RUN_FAILURE,), step.step, step.scope, step.at) for step in run.steps if step.passed]
    checks = [
        Recovery((CHECK_FAILURE, REJECT_LIMIT), _name(check), passed, check.at)
        for check in run.checks
        if (passed := _passed(check)) is None or passed
    ]
    return [*steps, *checks]


def _of_steps(steps: list[EndedStep], why: str, link: str) -> Trouble:
    tables = [table for step in steps for table in step.tables] or [step.step for step in steps]
    parts = tuple(part for step in steps for part in _parts(step.step, step.scope))
    scope = steps[0].scope
    message = f"{_sentence(why)} When the cause is mended, run it again."
    return Trouble(RUN_FAILURE, _subject(tables, scope), message, parts, max(step.at for step in steps), link)


def _of_check(check: EndedCheck, link: str) -> Trouble:
    scope = check.bad or check.scope
    parts = tuple(_parts(_name(check), scope, exact=bool(check.bad)))
    limit = check.name == REJECT_LIMIT_CHECK
    subject = _subject([check.table if limit else f"{check.name} of {check.table}"], scope)
    act = _RESTORE_IS_AT_RISK if check.table == _BACKUPS else _FOLLOWS.get(check.name, _LATER_TABLES_WAIT)
    kind = REJECT_LIMIT if limit else CHECK_FAILURE
    return Trouble(kind, subject, f"{_sentence(check.told)} {act}".strip(), parts, check.at, link)


def _passed(check: EndedCheck) -> Scope:
    """The partitions that passed; none of them is an empty set."""
    if not check.alarming:
        return check.scope
    return check.scope - check.bad if check.scope and check.bad else frozenset()


def _parts(name: str, scope: Scope, *, exact: bool = False) -> Iterable[Part]:
    if scope is None:
        return [Part(name)]
    return [Part(name, partition, exact=exact or len(scope) == 1) for partition in sorted(scope)]


def _subject(tables: list[str], scope: Scope) -> str:
    named = ", ".join(tables[:NAMED]) + (f" and {len(tables) - NAMED} more" if len(tables) > NAMED else "")
    if scope is None:
        return named
    first, last = min(scope), max(scope)
    if first == last:
        return f"{named} for {first}"
    return f"{named} for {len(scope)} partitions, {first} to {last}"


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if not text or text.endswith((".", "!", "?", "…")) else f"{text}."


def _name(check: EndedCheck) -> str:
    return f"{check.table}:{check.name}"
