"""Prompts as files: called by their names in the chat and by ``ask -t``, and what is wrong with one is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from routerterm.cli.root import root
from routerterm.config.paths import Paths
from routerterm.core.errors import RoutertermError
from routerterm.engine.chat.prompt_files import for_library, parse_prompt
from tests.driver import in_process
from tests.driver.homes import PRICED, configure, priced
from tests.driver.provider import Provider, serving

REVIEW = """---
description: Review a file
fields:
  file:
  tone: friendly
model: demo/echo
temperature: 0.2
---
Review {{file}} in a {{tone}} way.
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a prompt of its own."""
    prompts = tmp_path / "work" / ".routerterm" / "prompts"
    prompts.mkdir(parents=True)
    (prompts / "greet.md").write_text("Greet $ARGUMENTS warmly.")
    monkeypatch.chdir(tmp_path / "work")
    return prompts


def own(paths: Paths, name: str, text: str) -> None:
    folder = paths.config_file.parent / "prompts"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(text)


async def test_a_prompt_is_offered_called_and_filled_in(paths: Paths, folder: Path) -> None:
    configure(paths)
    own(paths, "review", REVIEW)
    async with in_process(paths) as it:
        await it.type("/rev")
        await it.screen_shows("/review file tone=friendly", "Review a file")
        await it.press("tab")
        await it.composer_is("/review ")
        await it.type("'my file.py' tone=strict")
        await it.press("enter")
        await it.until(lambda: bool(it.shown()))
        assert it.shown()[0] == "Review my file.py in a strict way."


async def test_what_is_missing_is_asked_for(paths: Paths, folder: Path) -> None:
    configure(paths)
    own(paths, "review", REVIEW)
    async with in_process(paths) as it:
        await it.say("/review")
        await it.dialog_is("review")
        await it.type("a.py")
        await it.press("enter")
        await it.press("enter")
        await it.until(lambda: bool(it.shown()))
        assert it.shown()[0] == "Review a.py in a friendly way."


async def test_a_prompt_of_the_working_folder_takes_all_that_follows_its_name(paths: Paths, folder: Path) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say('/greet Ada & "Bob')
        await it.until(lambda: bool(it.shown()))
        assert it.shown()[0] == 'Greet Ada & "Bob warmly.'


async def test_a_stranger_s_prompt_that_names_a_model_is_confirmed_first(paths: Paths, folder: Path) -> None:
    configure(paths)
    (folder / "dear.md").write_text("---\nmodel: demo/markdown\n---\nHello")
    async with in_process(paths) as it:
        await it.say("/dear")
        await it.screen_shows("/dear asks", "demo/markdown")
        await it.press("escape")
        await it.composer_is("Hello")
        assert it.history.conversations() == []


async def test_a_broken_prompt_is_said_and_the_others_work(paths: Paths, folder: Path) -> None:
    configure(paths)
    own(paths, "bad", "---\ntemperature: warm\n---\nx")
    async with in_process(paths) as it:
        await it.type("/")
        await it.screen_shows("bad.md: temperature is a number")
        await it.clear()
        await it.say("/greet all")
        await it.until(lambda: bool(it.shown()))


async def test_the_library_is_written_to_files_and_read_from_them(paths: Paths, folder: Path) -> None:
    configure(paths)
    own(paths, "review", REVIEW)
    async with in_process(paths) as it:
        await it.say("/prompts import")
        await it.screen_shows("2 prompts read into the library")
        (paths.config_file.parent / "prompts" / "review.md").unlink()
        await it.say("/prompts export")
        await it.screen_shows("2 prompts written")
    text = (paths.config_file.parent / "prompts" / "review.md").read_text()
    assert text == "Review {{file}} in a {{tone=friendly}} way.\n"


def offered(provider: Provider) -> list[str]:
    """The tools of the request that came last."""
    return sorted(tool["function"]["name"] for tool in provider.asked[-1].get("tools", ()))


async def test_the_head_of_a_system_prompt_holds_in_its_conversation(paths: Paths, folder: Path) -> None:
    with serving() as provider:
        configure(paths, f'{priced(provider)}\n[tools]\nstart = "off"\n')
        own(paths, "terse", f"---\nkind: system\nmodel: {PRICED}\ntemperature: 0.1\ntools: [fetch]\n---\nBe brief.")
        async with in_process(paths, (120, 30)) as it:
            await it.say("/terse")
            await it.screen_shows("Tools: fetch.", "system: terse", "temp 0.1", "tools: fetch")
            await it.until(lambda: it.model == PRICED)
            for _ in range(2):
                await it.ask("and now")
                assert offered(provider) == ["fetch"]
            await it.say("/tools off")
            await it.status_shows("tools off")
            await it.ask("and now")
            assert not offered(provider)


async def test_a_prompt_offers_its_tools_with_its_own_question(paths: Paths, folder: Path) -> None:
    with serving() as provider:
        configure(paths, f'{priced(provider)}\n[tools]\nstart = "off"\n', default=PRICED)
        own(paths, "page", "---\ntools: fetch\n---\nWhat does {{address}} say?")
        own(paths, "wrong", "---\ntools: fetch, fech\n---\nWhat does {{address}} say?")
        async with in_process(paths, (120, 30)) as it:
            await it.ask("/page https://a.example")
            assert offered(provider) == ["fetch"]
            await it.ask("and without it")
            assert not offered(provider)
            asked = len(provider.asked)
            await it.say("/wrong https://a.example")
            await it.screen_shows("No tool is available as fech.", "/tools shows what there is")
            await it.rests()
            assert len(provider.asked) == asked


async def test_a_strangers_prompt_asks_before_it_gets_tools(paths: Paths, folder: Path) -> None:
    with serving() as provider:
        configure(paths, f'{priced(provider)}\n[tools]\nstart = "off"\n', default=PRICED)
        (folder / "page.md").write_text("---\ntools: fetch\n---\nFetch https://a.example.")
        async with in_process(paths, (120, 30)) as it:
            await it.say("/page")
            await it.status_shows("tools fetch")
            await it.press("escape")
            await it.composer_is("Fetch https://a.example.")
            assert not provider.asked


def test_ask_offers_the_tools_of_its_template(paths: Paths, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTERTERM_HOME", str(paths.config_file.parent))
    with serving() as provider:
        configure(paths, f'{priced(provider)}\n[tools]\nstart = "off"\n', default=PRICED)
        own(paths, "page", "---\ntools: fetch\n---\nWhat does {{address}} say?")
        run = CliRunner().invoke(root, ["ask", "-t", "page", "https://a.example"])
        assert not run.exit_code, run.output
        assert offered(provider) == ["fetch"]


def test_ask_takes_a_template(paths: Paths, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(paths)
    own(paths, "review", REVIEW)
    monkeypatch.setenv("ROUTERTERM_HOME", str(paths.config_file.parent))
    run = CliRunner().invoke(root, ["ask", "-t", "review", "a.py tone=calm"], input="and this")
    assert "Review a.py in a calm way." in run.output, run.output
    assert "and this" in run.output
    missing = CliRunner().invoke(root, ["ask", "-t", "reviev", "x"])
    assert missing.exit_code
    assert isinstance(missing.exception, RoutertermError)
    assert "review" in (missing.exception.hint or "")


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("temperature: hot", "temperature is a number"),
        ("kind: poem", "kind is template or system"),
        ("nonsense", "line 2: a line of the head"),
        ("  - x", "belongs to nothing"),
        ("model: [a, b]", "model is one value"),
    ],
)
def test_what_is_wrong_with_a_head_is_said_with_its_place(head: str, said: str) -> None:
    with pytest.raises(RoutertermError, match=said):
        parse_prompt(f"---\n{head}\n---\ntext", Path("p.md"))


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    for whole in (text, f"---\n{text}\n---\n{text}"):
        try:
            prompt = parse_prompt(whole, Path("p.md"))
            prompt.filled({field.name: "x" for field in prompt.fields} | prompt.values("a b"))
            for_library(prompt)
        except RoutertermError:
            pass
