"""Projects: the folder that the program is started in has its own conversations, prompt, model, files and budget."""

from __future__ import annotations

from pathlib import Path

import pytest

from routerterm.config.paths import Paths
from routerterm.core.errors import RoutertermError
from routerterm.engine.chat.project import read_project
from tests.driver import in_process
from tests.driver.homes import PRICED, configure, priced
from tests.driver.provider import serving

WHOLE = """
name = "engine"
system = "Answer as a maintainer."
model = "demo/markdown"
files = ["notes.md"]
"""


def project(folder: Path, text: str) -> Path:
    (folder / ".routerterm").mkdir(parents=True)
    (folder / ".routerterm" / "project.toml").write_text(text)
    return folder


async def test_a_folder_s_conversations_begin_as_it_says_and_are_listed_alone(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.ask("elsewhere")
    work = project(tmp_path / "work", WHOLE)
    (work / "notes.md").write_text("It spins.")
    monkeypatch.chdir(work)
    async with in_process(paths, (120, 40)) as it:
        await it.screen_shows("project: engine", "system: engine", "notes.md", "demo/markdown")
        await it.screen_lacks("Elsewhere")
        await it.ask("what spins?")
        chat = it.history.latest()
        assert chat is not None
        assert (chat.system, chat.model) == ("Answer as a maintainer.", "demo/markdown")
        assert it.history.rows("SELECT project FROM conversation WHERE id = ?", (chat.id,))[0]["project"] == str(work)
        assert "It spins." in str(it.history.branch()[0].parts)
        await it.say("/project none")
        await it.screen_shows("Elsewhere")
        await it.screen_lacks("project: engine")
        await it.say(f"/project {work}")
        await it.screen_shows("project: engine")
        await it.screen_lacks("Elsewhere")


async def test_a_project_s_budget_holds_over_its_conversations(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project(tmp_path / "work", "budget = 0.000001"))
    with serving() as provider:
        configure(paths, priced(provider) + '[budget]\non_cap = "block"\n', default=PRICED)
        async with in_process(paths) as it:
            await it.say("hello")
            await it.screen_shows("would exceed the budget")
            assert provider.asked == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense = 1", "there is no nonsense"),
        ("name = 3", "name is a text"),
        ('files = ["../secret"]', "lies outside"),
        ('files = "x"', "files is a list"),
        ("budget = -1", "budget is a number"),
        ("budget = nan", "budget is a number"),
        ("[", "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_project_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RoutertermError, match=said):
        read_project(project(tmp_path / "work", text))
