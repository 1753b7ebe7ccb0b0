"""Every sentence of the README with a key or a command in it is shown by a test that is named here, or run here."""

from __future__ import annotations

import re

import pytest

from routerterm.config.paths import Paths
from routerterm.tui.commands.registry import COMMANDS
from tests.docs.test_readme import FENCE, ROOT
from tests.docs.test_security import names_in
from tests.driver import in_terminal
from tests.driver.homes import lived_in
from tests.router.faults.wall import WALL

README = (ROOT / "README.md").read_text("utf-8")
HERE = "tests/docs/test_readme_claims.py"
SHOWN: dict[str, tuple[str, ...]] = {
    "Extras, as in": ("tests/contracts/test_dependencies.py::test_what_is_declared_is_imported",),
    "`local` runs a small model": ("tests/contracts/test_dependencies.py::test_what_is_declared_is_imported",),
    "`routerterm completion bash`": ("tests/cli/test_ask_more.py::test_what_each_shell_s_script_asks_for",),
    "`make run` opens the chat": ("tests/docs/test_workshop.py::test_make_run_is_driven_as_a_stranger_would",),
    "`/welcome` shows them again": (
        "tests/tui/first_run/test_first_run.py::test_escape_looks_around_first_and_a_command_brings_it_back",
        "tests/tui/first_run/test_first_run.py::test_the_third_way_asks_for_a_key",
    ),
    "Every F-key also has a Ctrl key": (
        f"{HERE}::test_every_f_key_has_a_ctrl_key_too",
        "tests/walks/test_named_keys.py::test_every_key_of_the_readme_does_what_it_says",
    ),
    "**Tab** moves between": ("tests/walks/test_named_keys.py::test_every_key_of_the_readme_does_what_it_says",),
    "Among the messages, `y` copies": ("tests/walks/test_named_keys.py::test_every_key_of_help_does_what_it_says",),
    "Whatever costs money shows the price": (
        "tests/walks/test_no_letter_spends.py::test_a_letter_says_what_it_would_cost_and_enter_confirms",
    ),
    "In a prompt, `@` attaches": (
        "tests/tui/composer/test_references.py::test_a_folder_is_entered_by_tab_and_attached_by_enter",
        "tests/tui/composer/test_references.py::test_a_page_at_home_is_asked_for_then_its_size_is_seen_then_it_goes",
        "tests/tui/composer/test_references.py"
        "::test_a_command_runs_when_it_is_confirmed_without_our_keys_and_what_it_prints_goes_along",
        "tests/tui/composer/test_composer.py::test_a_real_pdf_is_attached_as_its_text",
        "tests/tui/composer/test_drop.py::test_a_picture_comes_from_a_browser_into_the_composer",
        "tests/tui/composer/test_prompt_files.py::test_a_prompt_is_offered_called_and_filled_in",
    ),
    'editing = "vim"': ("tests/tui/vim/test_composer.py::test_the_setting_is_taken_up_while_it_runs",),
    '`routerterm "a question"` opens': (f"{HERE}::test_the_command_line_opens_the_chat_as_the_readme_says",),
    "`/later` puts a question": (
        "tests/tui/chat/test_later.py::test_a_question_is_queued_listed_sent_and_its_answer_is_marked",
    ),
    "`routerterm bill FILE` compares": (
        "tests/money/test_bill.py::test_the_command_tells_gaps_and_ends_with_one",
        "tests/money/test_replay.py::test_another_first_choice_costs_what_it_costs",
        "tests/leaves/test_prompt_cache.py::test_the_clock_in_the_chat_from_the_last_cached_call_to_the_sheet",
    ),
    "Alt+W shows what leaves": ("tests/leaves/test_what_leaves.py::test_every_word_of_the_prompt_stands_on_some_line",),
    "`make faults` breaks a provider": (f"{HERE}::test_the_wall_has_as_many_faults_as_the_readme_says",),
    "an unknown price is `?`": ("tests/money/test_pricing.py",),
    "`kill -9` costs at most one second": (
        "tests/cli/test_ask.py::test_killed_in_mid_answer_nothing_but_the_last_second_is_lost",
    ),
    "A *private* chat": ("tests/tui/screens/test_models.py::test_a_private_conversation_dims_what_is_not_local",),
    "`routerterm local fetch` and": ("tests/config/test_local_model.py", "tests/catalog/test_updates.py"),
    "`ROUTERTERM_HOME` puts everything": ("tests/config/test_paths.py",),
    "`routerterm keys remove PROVIDER`": ("tests/keys/test_source.py::test_another_program_adds_disables_and_removes",),
    "`routerterm import FILE` reads histories": (
        "tests/engine/transfer/test_foreign.py::test_chatgpt_with_its_branches",
        "tests/docs/test_machines.py::test_litestream_carries_the_history_over",
    ),
    "`make` lists every target": ("tests/docs/test_workshop.py::test_hooks_check_what_make_check_does",),
}
"""What a sentence holds, and the tests (or the files of tests) that show it."""


def sentences() -> list[str]:
    """Those of the prose that name a key or a command; tables, headings and blocks have tests of their own."""
    lines = [line for line in FENCE.sub("", README).splitlines() if not line.startswith(("|", "!", "#", "    "))]
    paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n", "\n".join(lines))]
    every = [one for each in paragraphs for one in re.split(r"(?<=[.:])\s+(?=[A-Z`*])", each)]
    return [one for one in every if re.search(r"`[^`]+`|\*\*(?:F\d|Ctrl|Tab)|(?:Alt|Ctrl)\+|\bEnter\b", one)]


@pytest.mark.parametrize("sentence", sentences(), ids=lambda sentence: sentence[:40])
def test_a_sentence_names_its_tests(sentence: str) -> None:
    named = [tests for words, tests in SHOWN.items() if words in sentence]
    assert len(named) == 1, sentence
    for test in named[0]:
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file(), test
        assert names_in(path), test
        assert not name or name in names_in(path) or f"def {name}(" in (ROOT / path).read_text("utf-8"), test


def test_no_sentence_is_named_that_is_gone() -> None:
    text = " ".join(README.split())
    assert all(words in text for words in SHOWN)
    assert len(README.splitlines()) < 200


def test_every_f_key_has_a_ctrl_key_too() -> None:
    with_f_key = [command for command in COMMANDS.values() if any(re.fullmatch(r"f\d+", key) for key in command.keys)]
    assert len(with_f_key) >= 10
    for command in with_f_key:
        assert any(key.startswith("ctrl+") for key in command.keys), command.name


def test_the_wall_has_as_many_faults_as_the_readme_says() -> None:
    (number,) = re.findall(r"`make faults` breaks a provider in (\d+) ways", " ".join(README.split()))
    assert int(number) == len(WALL)


@pytest.mark.slow
async def test_the_command_line_opens_the_chat_as_the_readme_says(paths: Paths) -> None:
    await lived_in(paths)
    async with in_terminal(paths, (100, 30), "-m", "demo/echo", "what is said at once") as it:
        await it.screen_shows("what is said at once")
        await it.until(lambda: any(part.text == "what is said at once" for part in it.history.branch()))
        await it.screen_shows("demo/echo")
    async with in_terminal(paths, (100, 30), "-c") as it:
        await it.screen_shows("what is said at once")
