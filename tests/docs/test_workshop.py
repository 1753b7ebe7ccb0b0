"""What a stranger's first steps rest on: workflows, forms, hooks, container and recipes name what is there."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.docs.test_readme import ROOT, well_formed

yaml = pytest.importorskip("yaml")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def runs(workflow: str) -> list[str]:
    jobs = read(f".github/workflows/{workflow}.yml")["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


def test_ci_runs_on_every_python_that_is_meant_and_on_both_processors() -> None:
    matrix = read(".github/workflows/ci.yml")["jobs"]["tests"]["strategy"]["matrix"]
    meant = {each.rpartition(" ")[2] for each in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", each)}
    assert set(matrix["python"]) == meant == {"3.11", "3.12", "3.13", "3.14"}
    assert {machine.endswith("-arm") for machine in matrix["machine"]} == {True, False}
    steps = set(re.findall(r"^(?:step|beside) (\w+)", (ROOT / ".ci/run").read_text(), re.M))
    asked = {part for line in runs("ci") if line.startswith("sh .ci/run") for part in line.split()[2:]}
    assert {"parts", "tests", "check", "wheel", "run", "coverage"} == asked <= steps


@pytest.mark.parametrize("workflow", ["ci", "release"])
def test_what_a_workflow_runs_is_there(workflow: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for step in runs(workflow):
        assert subprocess.run(["sh", "-n"], input=step, text=True).returncode == 0, step
        for words in (line.split() for line in step.splitlines()):
            if words[0] == "sh":
                assert (ROOT / words[1]).exists(), step
            if words[0] == "make":
                assert words[1] in targets, step


@pytest.mark.parametrize("workflow", ["ci", "release"])
def test_every_action_is_held_to_one_commit_and_keeps_no_credentials(workflow: str) -> None:
    """A tag of another's can be moved: what publishes for us is named by its hash, with its version for people."""
    used = re.findall(r"uses: (.*)", (ROOT / f".github/workflows/{workflow}.yml").read_text())
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each) for each in used), used
    jobs = read(f".github/workflows/{workflow}.yml")["jobs"].values()
    checkouts = [step for job in jobs for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_a_release_is_told_with_its_own_part_of_the_changelog() -> None:
    notes = subprocess.run(["sh", "scripts/release.sh", "notes"], cwd=ROOT, capture_output=True, text=True).stdout
    parts = re.split(r"^(?=## )", (ROOT / "CHANGELOG.md").read_text("utf-8"), flags=re.M)
    assert notes == parts[1]
    assert "sh scripts/release.sh notes >notes.md" in runs("release")


def test_only_the_job_that_publishes_may_ask_for_a_token() -> None:
    workflow = read(".github/workflows/release.yml")
    assert workflow["permissions"] == {"contents": "read"}
    holders = {name: job.get("permissions", {}) for name, job in workflow["jobs"].items()}
    assert [name for name, may in holders.items() if "id-token" in may] == ["pypi"]
    assert "password" not in (ROOT / ".github/workflows/release.yml").read_text()


def test_forms_ask_for_the_report_that_the_doctor_prints() -> None:
    for form in ("bug", "provider"):
        fields = {field.get("id"): field for field in read(f".github/ISSUE_TEMPLATE/{form}.yml")["body"]}
        label = fields["report"]["attributes"]["label"]
        (command,) = re.findall(r"`routerterm (.+?)`", label)
        well_formed(command.split(), ROOT)
        assert fields["report"]["validations"]["required"]


def test_hooks_check_what_make_check_does() -> None:
    (repo,) = read(".pre-commit-config.yaml")["repos"]
    hooked = " ".join(hook["entry"] for hook in repo["hooks"])
    checked = re.findall(r"^\.venv/bin/([\w-]+)", (ROOT / "scripts/check.sh").read_text(), re.M)
    assert set(checked) >= {"ruff", "mypy", "lint-imports"}
    assert all(f".venv/bin/{tool}" in hooked for tool in checked)


def test_the_floor_of_coverage_is_the_one_that_is_said() -> None:
    (floor,) = re.findall(r"^FLOOR=(\d+)", (ROOT / "scripts/coverage.sh").read_text(), re.M)
    assert f"It fails below {floor} per cent" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert "parts coverage" in " ".join(runs("ci"))


def test_the_container_is_built_of_what_is_there_and_runs_what_is_known() -> None:
    lines = (ROOT / "packaging/Containerfile").read_text().splitlines()
    copied = [
        source for line in lines if line.startswith("COPY ") and "--from" not in line for source in line.split()[1:-1]
    ]
    assert copied
    assert all((ROOT / source).exists() for source in copied)
    services = read("packaging/compose.yaml")["services"]
    well_formed(services["gateway"]["command"], ROOT)
    assert (
        ROOT / "packaging" / services["gateway"]["build"]["context"] / services["gateway"]["build"]["dockerfile"]
    ).exists()


def test_recipes_take_files_that_are_there() -> None:
    recipe = ROOT / "packaging/aur/PKGBUILD"
    assert subprocess.run(["bash", "-n", recipe]).returncode == 0
    for text in (recipe.read_text(), (ROOT / "packaging/homebrew/routerterm.rb").read_text()):
        for file in ("requirements/run.txt", "docs/routerterm.1"):
            assert file in text
            assert (ROOT / file).exists()


def test_dependabot_looks_at_what_there_is() -> None:
    assert {update["package-ecosystem"] for update in read(".github/dependabot.yml")["updates"]} == {
        "github-actions",
        "pip",
    }
    assert Path(ROOT / "CODE_OF_CONDUCT.md").exists()
    assert {"Homepage", "Documentation", "Source", "Issues", "Changelog"} <= PROJECT["urls"].keys()
    assert PROJECT["authors"]


def test_make_run_is_driven_as_a_stranger_would() -> None:
    """CI opens the chat by `make run` in a fresh copy, asks and reads there; here, that what it presses is still so."""
    script = (ROOT / "scripts/drive_run.sh").read_text()
    assert "make -C" in script
    assert "run" in re.findall(r"^step (\w+) sh scripts/drive_run.sh", (ROOT / ".ci/run").read_text(), re.M)
    assert subprocess.run(["sh", "-n", ROOT / "scripts/drive_run.sh"]).returncode == 0
