"""The ready-made workflows of GitHub: what they call is there, and nothing that a person writes becomes a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
import yaml

from sales_platform.cli import build_app
from sales_platform.settings import Settings
from sales_platform_tests.project.compose import ROOT

FOLDER = ROOT / ".github" / "workflows"
NAMES = ("ci.yml", "pipeline.yml")
# given by the runner, or an input
NOT_OURS = {"FROM", "TO"}


def read(name: str) -> dict[Any, Any]:
    content = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def triggers(name: str) -> dict[str, Any]:
    """YAML 1.1 reads the word `on` as true."""
    found = read(name)[True]
    assert isinstance(found, dict)
    return found


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in read(name)["jobs"].values() for step in job["steps"]]


def scripts(name: str) -> Iterator[str]:
    return (step["run"] for step in steps(name) if "run" in step)


def test_there_is_no_other_workflow() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_may_read_the_repository_and_nothing_else(name: str) -> None:
    assert read(name)["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in read(name)["jobs"].values())
    [checkout] = [step for step in steps(name) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkout["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_of_github_itself_and_pinned(name: str) -> None:
    used = [step["uses"] for step in steps(name) if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@(v\d+|[0-9a-f]{40})", action) for action in used)


@pytest.mark.parametrize("name", NAMES)
def test_every_job_has_an_end(name: str) -> None:
    assert all(job["timeout-minutes"] <= 180 for job in read(name)["jobs"].values())


@pytest.mark.parametrize("name", NAMES)
def test_no_script_holds_an_expression(name: str) -> None:
    """GitHub would write its value into the script before a shell reads it."""
    assert all("${{" not in script for script in scripts(name))


@pytest.mark.parametrize("name", NAMES)
def test_no_workflow_names_a_host(name: str) -> None:
    named = re.findall(r"\w+://[^\s]+", (FOLDER / name).read_text(encoding="utf-8"))
    assert set(named) <= {"s3://bucket/prefix."}


def calls(name: str) -> list[list[str]]:
    """The words of every command of ours, without what a variable brings."""
    text = "\n".join(scripts(name))
    return [re.findall(r"--?[a-z-]+|[\w./-]+", line) for line in re.findall(r"sales-platform (.+)", text)]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_and_option_of_ours_exists(name: str) -> None:
    group = typer.main.get_command(build_app())
    for command, *words in calls(name):
        found = getattr(group, "commands")[command]  # noqa: B009 — typer's own group is not typed as click's
        known = {word for parameter in found.params for word in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert set(re.findall(r"^\s*make (\S+)", "\n".join(scripts(name)), re.M)) <= targets


def test_ci_is_what_anyone_can_run() -> None:
    assert list(scripts("ci.yml")) == [".ci/run"]
    assert (ROOT / ".ci" / "run").is_file()


def test_the_pipeline_runs_every_night_and_by_hand_over_any_days() -> None:
    found = triggers("pipeline.yml")
    assert [when["cron"] for when in found["schedule"]] == ["0 2 * * *"]
    assert set(found["workflow_dispatch"]["inputs"]) == {"from", "to"}
    ran = [words[1] for words in calls("pipeline.yml") if words[0] == "run"]
    assert ran == ["retail", "channels"]
    assert all({"--from", "--to"} <= set(words) for words in calls("pipeline.yml") if words[0] == "run")
    assert calls("pipeline.yml")[-1][:3] == ["check", "--format", "junit"]


def test_the_pipeline_sets_variables_that_are_settings_and_takes_urls_from_secrets() -> None:
    [job] = read("pipeline.yml")["jobs"].values()
    settings = {str(field.validation_alias) for field in Settings.model_fields.values()}
    assert set(job["env"]) - NOT_OURS <= settings
    urls = {name: value for name, value in job["env"].items() if name.endswith("_URL")}
    assert urls == {name: f"${{{{ secrets.{name} }}}}" for name in urls}


def test_one_load_at_a_time_and_none_is_stopped_half_way() -> None:
    assert read("pipeline.yml")["concurrency"] == {"group": "pipeline", "cancel-in-progress": False}
