"""What holds for every asset alike: retries, pool, automation, errors. Nothing that concerns one asset."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from sales_platform.errors import SalesPlatformError, TransientError

# Steps of one pool write to one warehouse; how many may do so at once is set in dagster.yaml.
POOL = "warehouse"

THREE_TRIES = dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL)

# A range of days is one run and one statement per table, not one run per day.
ONE_RUN = dg.BackfillPolicy.single_run()

# eager() alone would also build on a table whose blocking check failed in an earlier run.
WHEN_SOUND = dg.AutomationCondition.eager() & dg.AutomationCondition.all_deps_blocking_checks_passed()


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
