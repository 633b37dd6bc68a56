"""What holds for every asset alike: retries, pools, automation, errors. Nothing that concerns one asset."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from sales_platform.errors import SalesPlatformError, TransientError
from sales_platform.settings import load_settings

Condition = dg.AutomationCondition[Any]

# The first try and two more, 2 and 6 seconds later.
THREE_TRIES = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL)

# A range of days is one run and one statement per table, not one run per day.
ONE_RUN = dg.BackfillPolicy.single_run()

# eager() alone would also build on a table whose blocking check failed in an earlier run.
WHEN_SOUND = dg.AutomationCondition.eager() & dg.AutomationCondition.all_deps_blocking_checks_passed()


def each_day_when_sound(daily_inputs: Collection[dg.AssetKey]) -> Condition:
    """WHEN_SOUND for a table of days: whatever day of its inputs changes, that day of it follows and no other.

    eager() looks at the newest day alone, which is today and has no file yet. An input without days would ask for
    every day that ever was: when a dimension changes, the engine itself finds the days that point at it, and
    computes them anew in the next run whatever day that is for.
    """
    changed = dg.AutomationCondition.any_deps_updated().allow(dg.AssetSelection.assets(*daily_inputs))
    return (
        (dg.AutomationCondition.newly_missing() | changed).since_last_handled()
        & ~dg.AutomationCondition.any_deps_missing()
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
        & dg.AutomationCondition.all_deps_blocking_checks_passed()
    )


def whole_when_sound(daily_inputs: Collection[dg.AssetKey]) -> Condition:
    """WHEN_SOUND for a table without days that is made of tables of days, among others.

    eager() would wait until no day of theirs is missing, and today always is; here some day of each must be there.
    """
    days = dg.AssetSelection.assets(*daily_inputs)
    changed = dg.AutomationCondition.newly_missing() | dg.AutomationCondition.any_deps_updated()
    condition: Condition = (
        changed.since_last_handled()
        & ~dg.AutomationCondition.any_deps_missing().ignore(days)
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
        & dg.AutomationCondition.all_deps_blocking_checks_passed()
    )
    there = ~dg.AutomationCondition.missing()
    for key in daily_inputs:
        some_day = dg.AutomationCondition.any_deps_match(there).allow(dg.AssetSelection.assets(key))
        condition = condition & some_day
    return condition


def writer_of(table: str) -> str:
    """The pool of the steps that write a table or all tables of a source; dagster.yaml lets in one at a time. Checks
    only read, and wait for nobody.
    """
    return f"writes/{table}"


def schedule_status() -> dg.DefaultScheduleStatus:
    """Whether schedules are on until someone switches one in the UI: AUTOMATION says so."""
    on = load_settings().automation
    return dg.DefaultScheduleStatus.RUNNING if on else dg.DefaultScheduleStatus.STOPPED


def sensor_status() -> dg.DefaultSensorStatus:
    """The same for sensors."""
    on = load_settings().automation
    return dg.DefaultSensorStatus.RUNNING if on else dg.DefaultSensorStatus.STOPPED


@contextmanager
def failures_named() -> Iterator[None]:
    """Leave what may pass to THREE_TRIES; let everything else fail at once with its message."""
    try:
        yield
    except TransientError:
        raise
    except SalesPlatformError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except Exception as error:
        unexpected = f"an error that the platform does not know: {type(error).__name__}."
        raise dg.Failure(description=unexpected, allow_retries=False) from error


@contextmanager
def beta_accepted() -> Iterator[None]:
    """The backfill policy of an asset still warns; a range in one run is worth it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Parameter `backfill_policy`", dg.BetaWarning)
        yield
