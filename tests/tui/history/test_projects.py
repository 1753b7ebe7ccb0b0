"""Projects: the folder that the program is started in has its own conversations, prompt, model, files and budget."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest
from click.testing import CliRunner

from routerterm.cli.root import root
from routerterm.config.paths import Paths
from routerterm.core.errors import OverBudget, RoutertermError
from routerterm.core.events import Event, Failed, Finished
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest
from routerterm.engine.chat.project import read_project
from routerterm.wiring import open_app
from tests.driver import in_process
from tests.driver.history import History
from tests.driver.homes import PRICED, configure, priced
from tests.driver.provider import Answer, serving

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
            await it.screen_shows("would exceed the budget of the project work", ".routerterm/project.toml")
            assert provider.asked == []


async def test_a_project_s_budget_and_last_conversation_hold_wherever_it_is_asked(paths: Paths, tmp_path: Path) -> None:
    work = read_project(project(tmp_path / "work", "budget = 0.031"))
    with serving(Answer("It turns.", tokens=(1000, 1000))) as provider:
        configure(paths, priced(provider) + '[budget]\non_cap = "block"\n', default=PRICED)
        async with open_app(paths) as app:
            app.project = work
            session = app.session()
            assert isinstance(await last_event(session.send("one")), Finished)  # it costs $0.018
        async with open_app(paths) as app:  # elsewhere: the conversation is still the project's
            chat = await app.store.conversations.latest(work.key)
            assert chat is not None
            assert chat.project == work.key
            over = await last_event(app.session(chat.id).send("two"))
            assert isinstance(over, Failed)
            assert isinstance(over.error, OverBudget)
            assert "the budget of the project work" in over.error.message
            assert "budget in .routerterm/project.toml" in over.error.hint
            assert isinstance(await last_event(app.session().send("outside")), Finished)
            latest = await app.store.conversations.latest()
            assert latest is not None
            assert latest.id != chat.id
            app.project = work  # as in `serve` and in the chat: what has no conversation is the open project's
            request = ChatRequest(PRICED, (Message.of("user", "three"),))
            assert isinstance(await last_event(app.stream(request)), Failed)
        assert len(provider.asked) == 2


async def last_event(events: AsyncGenerator[Event]) -> Event:
    async with aclosing(events) as stream:
        found = [event async for event in stream]
    return found[-1]


def test_ask_in_a_project_s_folder_is_the_project_s(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(paths)
    monkeypatch.setenv("ROUTERTERM_HOME", str(paths.config_file.parent))
    asked = CliRunner().invoke(root, ["ask", "before"])
    work = project(tmp_path / "work", 'system = "Be brief."\nmodel = "demo/echo"\n')
    monkeypatch.chdir(work)
    nothing = CliRunner().invoke(root, ["ask", "-c", "last", "more"])
    assert "no conversation to continue in the project work" in nothing.output
    assert CliRunner().invoke(root, ["ask", "inside"]).exit_code == asked.exit_code == 0
    history = History(paths.database)
    chat = history.latest()
    assert chat is not None
    assert chat.system == "Be brief."
    assert history.rows("SELECT project FROM conversation WHERE id = ?", (chat.id,))[0]["project"] == str(work)


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
