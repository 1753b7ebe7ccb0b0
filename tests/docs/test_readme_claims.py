"""Every sentence of the README that says what the program does is shown by a test that is named here, or run here."""

from __future__ import annotations

import re
import subprocess
import tomllib

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
    "Extras, as in": (f"{HERE}::test_the_extras_are_those_that_are_declared",),
    "`local` runs a small model": (f"{HERE}::test_the_extras_are_those_that_are_declared",),
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
    "When a provider fails in the middle": (
        "tests/router/failover/test_failover.py::test_a_whole_answer_comes_all_the_same",
        "tests/money/test_ledger.py::test_a_refused_reservation_leaves_no_row",
    ),
    "It needs Python 3.11 or newer": (
        "tests/docs/test_workshop.py::test_ci_runs_on_every_python_that_is_meant_and_on_both_processors",
    ),
    "Paste the key": ("tests/keys/test_screen.py::test_a_pasted_key_is_recognised_tested_and_stored_in_three_steps",),
    "Tools, built in or from MCP servers": (
        "tests/tui/chat/test_tools.py::test_calls_are_approved_edited_declined_and_stopped",
    ),
    "**Failover you can see.**": (
        "tests/router/faults/test_wall.py",
        "tests/router/failover/test_failover.py::test_a_whole_answer_comes_all_the_same",
    ),
    "A partial answer is continued": (
        "tests/router/test_continuation.py::test_the_seam",
        "tests/tui/transcript/test_stream.py::test_seams_are_where_the_answer_was_cut",
    ),
    "**Budgets that act before": ("tests/tui/composer/test_composer.py::test_the_forecast_stands_under_the_composer",),
    "The high estimate is reserved": (
        "tests/money/test_ledger.py::test_a_reservation_holds_its_high_end_until_it_is_settled",
        "tests/money/test_ledger.py::test_two_programs_at_once_never_break_a_cap_and_the_dead_hold_nothing",
    ),
    "**Answers that survive.**": (
        "tests/engine/test_session.py::test_question_and_empty_answer_are_on_disk_before_the_request_leaves",
    ),
    "Two programs can use the same history.": ("tests/store/test_presence.py",),
    "**A driver for slow connections.**": (
        "tests/tui/terminal/test_line.py::test_a_slow_line_is_found_and_never_queues_for_long",
        "tests/tui/terminal/test_slow_lines.py::test_300_baud_still_answers_keys",
    ),
    "It is usable at 1,200 bytes": (
        "tests/tui/terminal/test_screens.py::test_at_1200_bytes_a_second_the_program_itself_can_be_used",
        "tests/tui/terminal/test_screens.py::test_every_screen_looks_the_same",
    ),
    "**A guard for your secrets.**": (
        "tests/money/test_guard.py::test_what_is_redacted_never_leaves_and_comes_back_in_the_answer",
        "tests/money/test_guard.py::test_things_are_known_by_their_shape",
    ),
    "The only data that leaves": ("tests/conftest.py::no_network",),
    "All folders are private": ("tests/config/test_paths.py::test_folders_are_for_their_owner_alone",),
    "`make` lists every target": (
        f"{HERE}::test_make_lists_every_target",
        "tests/docs/test_workshop.py::test_hooks_check_what_make_check_does",
    ),
}
"""What a sentence holds, and the tests (or the files of tests) that show it."""


LEADING = (
    "A chat client for the terminal",
    "To install it permanently:",
    "From the shell:",
    "To remove it all:",
    "The threat model is in",
    "Start with [the architecture]",
    "MIT licence.",
    "Under a processor quota",
)
"""Sentences that lead on to what comes next, and say nothing of what the program does."""


def sentences() -> list[str]:
    """Those of the prose; tables, headings and blocks have tests of their own."""
    lines = [line for line in FENCE.sub("", README).splitlines() if not line.startswith(("|", "!", "#", "    "))]
    paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n", "\n".join(lines))]
    every = [one for each in paragraphs for one in re.split(r"(?<=[.:])\s+(?=[A-Z`*])", each)]
    return [one for one in every if one and not one.startswith(LEADING)]


@pytest.mark.parametrize("sentence", sentences(), ids=lambda sentence: sentence[:40])
def test_a_sentence_names_its_tests(sentence: str) -> None:
    named = [tests for words, tests in SHOWN.items() if words in sentence]
    assert len(named) == 1, sentence
    for test in named[0]:
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file(), test
        assert name or names_in(path), test
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


def test_the_extras_are_those_that_are_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    (paragraph,) = re.findall(r"^Extras, as in.*?(?=\n\n)", README, re.M | re.S)
    assert set(re.findall(r"`([a-z]+)`", paragraph)) == set(declared)


def test_make_lists_every_target() -> None:
    listed = subprocess.run(["make", "-C", ROOT], capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^([a-z-]+):(?!=)", (ROOT / "Makefile").read_text("utf-8"), re.M)
    assert set(re.findall(r"^  make ([a-z-]+)", listed, re.M)) == set(targets)


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
