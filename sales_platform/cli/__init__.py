"""The command `sales-platform`: which commands there are, and how an error ends one. No logic is here.

A command is a function, a group of commands a Typer app; each noun has its own file, named in COMMANDS.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from sales_platform.errors import ConfigurationError, SalesPlatformError

# name, module and attribute, in the order of the help
COMMANDS = (
    ("demo", "demo", "demo"),
    ("up", "up", "up"),
    ("serve", "serve", "serve"),
    ("run", "run", "run"),
    ("status", "status", "status"),
    ("check", "check", "check"),
    ("reconcile", "reconcile", "reconcile"),
    ("rebuild", "rebuild", "rebuild"),
    ("maintain", "maintain", "maintain"),
    ("rejected", "rejected", "rejected"),
    ("backup", "backup", "backup"),
    ("metrics", "metrics", "metrics"),
    ("sql", "sql", "sql"),
    ("docs", "docs", "docs"),
    ("simulate", "simulate", "simulate"),
    ("import", "importing", "import_"),
    ("migrate", "migrate", "migrate"),
    ("doctor", "doctor", "doctor"),
    ("env", "env", "env"),
    ("url", "url", "url"),
    ("down", "down", "down"),
    ("settings", "settings", "settings"),
    ("logs", "logs", "logs"),
)
INTERRUPTED = 130


def main() -> None:
    """Run one command and end the process with its exit code."""
    try:
        build_app()()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        _end(error)


def build_app() -> typer.Typer:
    """The app with every command of this package."""
    app = typer.Typer(
        name="sales-platform",
        help="Five sales systems in one PostgreSQL warehouse.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_before_every_command)
    for name, module, attribute in COMMANDS:
        command = getattr(import_module(f"{__name__}.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _before_every_command(
    context: typer.Context,
    debug: Annotated[
        bool, typer.Option("--debug", help="Log everything; show the traceback of an error.")
    ] = False,
) -> None:
    from sales_platform.logs import set_up
    from sales_platform.settings import load_settings

    if debug:
        os.environ["LOG_LEVEL"] = "DEBUG"
    try:
        settings = load_settings()
    except ConfigurationError:
        # the command that needs a setting says what is wrong with it; help and `settings` need none
        return
    set_up(settings, context.invoked_subcommand or "sales-platform")


def _end(error: Exception) -> NoReturn:
    from sales_platform.logs import mask

    if "--debug" in sys.argv or os.environ.get("LOG_LEVEL", "").upper() == "DEBUG":
        raise error
    print(f"error: {mask(_sentence(error))}", file=sys.stderr)
    sys.exit(error.exit_code if isinstance(error, SalesPlatformError) else 1)


def _sentence(error: Exception) -> str:
    """What a person reads. The text of an unexpected error is left out: it may quote a row."""
    if isinstance(error, SalesPlatformError | OSError):
        return " ".join(str(error).split())
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    place = f" at {Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else ""
    return f"unexpected {type(error).__name__}{place}. Run it again as `sales-platform --debug …` to see why."
