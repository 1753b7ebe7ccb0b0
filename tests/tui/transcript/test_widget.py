"""The transcript on a screen: what is in view, what it follows, what it says."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace
from textual.widgets import Static

from routerterm.core.events import ReasoningDelta, TextDelta
from routerterm.core.messages import Reasoning, Text, ToolCall
from routerterm.engine.chat.attachments import under_name
from routerterm.tui.transcript import messages
from routerterm.tui.transcript.entry_list import PAINTED
from routerterm.tui.transcript.layout.entry import entry_lines
from routerterm.tui.transcript.selection import END, Place, Selection
from routerterm.tui.transcript.values import Entry, Header
from tests.tui.transcript.samples import ANSWER, DOCUMENTS, STEADY
from tests.tui.transcript.stage import Stage, rows, said, talk


async def test_an_empty_one_needs_no_markdown() -> None:
    async with Stage().run_test(size=(60, 12)) as pilot:
        assert rows(pilot.app.query_one("Transcript")) == [""] * 12  # type: ignore[arg-type]


async def test_opens_at_the_end_and_lays_out_only_what_is_seen() -> None:
    app = Stage()
    async with app.run_test(size=(60, 12)) as pilot:
        app.transcript.show(talk(10_000))
        await pilot.pause()
        assert rows(app.transcript)[-2].endswith("• two")
        laid = sum(slot.is_laid_out for slot in app.transcript.entry_list.slots)
        assert laid < 6


async def test_what_was_painted_is_not_kept_for_ever_and_is_painted_again() -> None:
    """An hour of chat has thousands of rows, each of which takes 2 kB once it is painted."""
    app = Stage()
    async with app.run_test(size=(60, 40)) as pilot:
        transcript = app.transcript
        transcript.show(talk(200))
        await pilot.pause()
        seen = []
        while transcript.scroll_offset.y:
            seen.append(rows(transcript))
            transcript.scroll_to(y=max(0, transcript.scroll_offset.y - 40), animate=False)
            await pilot.pause()
        assert sum(map(len, seen)) > 2 * PAINTED
        assert sum(len(slot.strips) for slot in transcript.entry_list.slots) <= PAINTED
        transcript.scroll_end(animate=False)
        await pilot.pause()
        assert rows(transcript) == seen[0]


async def test_scrolling_up_through_guesses_never_jumps() -> None:
    """Each step up shows the former top lines just below: nothing is skipped or shown twice."""
    chance = random.Random(3)
    entries = [said(f"e{n}", chance.choice(DOCUMENTS) or "x", chance.choice(["user", "assistant"])) for n in range(24)]
    app = Stage()
    async with app.run_test(size=(50, 15)) as pilot:
        transcript = app.transcript
        transcript.show(entries)
        await pilot.pause()
        whole = [
            line.text.rstrip()
            for entry in entries
            for line in entry_lines(entry, transcript.entry_list.width, transcript.palette.signs)
        ]
        seen: list[str] = []
        place = len(whole)
        for _ in range(3 * len(whole)):
            now = rows(transcript)[1:]  # the first may be the prompt that stays on top
            at = place - (15 if not seen else 0)
            if not seen:
                place = at
            expected = whole[place + 1 : place + 15]
            assert [row[2:].rstrip() for row in now] == expected
            seen += now
            if transcript.scroll_offset.y <= 0:
                break
            step = min(chance.choice([1, 1, 3, 9]), transcript.scroll_offset.y)
            transcript.scroll_to(y=transcript.scroll_offset.y - step, animate=False)
            await pilot.pause()
            place -= step
        assert place == 0


async def test_a_jump_lands_in_laid_out_lines() -> None:
    app = Stage()
    async with app.run_test(size=(60, 20)) as pilot:
        transcript = app.transcript
        transcript.show(talk(2_000))
        await pilot.pause()
        for share in (0.5, 0.1, 0.93, 0.0):
            transcript.scroll_to(y=int(transcript.max_scroll_y * share), animate=False)
            await pilot.pause()
            first, _ = transcript.entry_list.heights.find(transcript.scroll_offset.y)
            last, _ = transcript.entry_list.heights.find(transcript.scroll_offset.y + transcript.rows - 1)
            assert all(transcript.entry_list.slots[n].is_laid_out for n in range(first, last + 1))
            assert any(row.strip() for row in rows(transcript))
        transcript.action_to_end()
        assert rows(transcript)[-2].endswith("• two")


async def test_follows_until_the_person_scrolls_up_and_says_how_many_lines_are_new() -> None:
    app = Stage()
    async with app.run_test(size=(60, 10)) as pilot:
        transcript = app.transcript
        transcript.show(talk(6))
        answer = replace(said("live", "", "assistant"), parts=(), status="streaming")
        transcript.begin_stream(answer)
        for n in range(30):
            transcript.feed("live", TextDelta(f"line {n}\n\n"))
        transcript.flush()
        await pilot.pause()
        assert "line 29" in "".join(rows(transcript)[-3:])
        transcript.scroll_to(y=transcript.scroll_offset.y - 5, animate=False)
        await pilot.pause()
        assert not transcript.follow
        before = rows(transcript)
        for n in range(4):
            transcript.feed("live", TextDelta(f"more {n}\n\n"))
        transcript.flush()
        await pilot.pause()
        assert rows(transcript)[:-1] == before[:-1]
        assert transcript.unread == 8
        assert "8 new lines" in rows(transcript)[-1]
        transcript.action_to_end()
        assert transcript.follow
        assert transcript.unread == 0
        assert "more 3" in "".join(rows(transcript)[-3:])
        assert [message.follow for message in app.of(messages.FollowChanged)] == [False]  # type: ignore[attr-defined]


async def test_a_stream_ends_with_what_a_loaded_entry_shows() -> None:
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        transcript = app.transcript
        empty = Entry("a", "assistant", status="streaming", header=Header("demo/markdown"))
        transcript.begin_stream(empty)
        transcript.feed("a", ReasoningDelta("let me see"))
        for begin in range(0, len(STEADY), 5):
            transcript.feed("a", TextDelta(STEADY[begin : begin + 5]))
            if begin % 400 == 0:
                await pilot.pause()
        transcript.flush()
        streamed = rows(transcript)[:-2]
        whole = replace(empty, status="done", parts=(Reasoning("let me see"), Text(STEADY)))
        transcript.end_stream("a", whole)
        await pilot.pause()
        assert rows(transcript)[:-2] == streamed
        shown = [transcript.entry_list.slots[0].line(n) for n in range(transcript.entry_list.slots[0].height)]
        assert shown == entry_lines(whole, transcript.entry_list.width, transcript.palette.signs)


async def test_the_prompt_stays_on_top_of_its_long_answer() -> None:
    app = Stage()
    async with app.run_test(size=(60, 10)) as pilot:
        app.transcript.show([said("q", "What is\nthe answer?"), said("a", "\n\n".join("abcdefghijklm"), "assistant")])
        await pilot.pause()
        assert rows(app.transcript)[0] == "▲ What is the answer?"
        app.transcript.action_to_start()
        assert rows(app.transcript)[0].startswith("▌ you")


async def test_what_stays_on_top_is_what_was_written_and_not_what_the_file_says() -> None:
    app = Stage()
    file = Text(under_name("notes.txt", "a zebra\n"), "notes.txt")
    answer = said("a", "\n\n".join("abcdefghijklm"), "assistant")
    async with app.run_test(size=(60, 10)) as pilot:
        app.transcript.show([replace(said("q", ""), parts=(Text("read @notes.txt"), file)), answer])
        await pilot.pause()
        assert rows(app.transcript)[0] == "▲ read @notes.txt"
        app.transcript.action_to_start()
        assert any("notes.txt" in row and row.rstrip().endswith(" 1 line") for row in rows(app.transcript))
        app.transcript.show([replace(said("q", ""), parts=(file,)), answer])
        await pilot.pause()
        assert rows(app.transcript)[0] == "▲ notes.txt"


@pytest.mark.parametrize("width", [100, 33])
async def test_a_new_width_keeps_the_place(width: int) -> None:
    app = Stage()
    async with app.run_test(size=(60, 12)) as pilot:
        transcript = app.transcript
        transcript.show(talk(400))
        transcript.scroll_to(y=900, animate=False)
        await pilot.pause()
        number, _ = transcript.entry_list.heights.find(transcript.scroll_offset.y)
        await pilot.resize_terminal(width, 14)
        await pilot.pause()
        assert transcript.entry_list.heights.find(transcript.scroll_offset.y)[0] == number
        assert any(row.strip() for row in rows(transcript))


async def test_earlier_entries_are_asked_for_once_and_the_view_stays() -> None:
    app = Stage()
    async with app.run_test(size=(60, 12)) as pilot:
        transcript = app.transcript
        entries = talk(60)
        transcript.show(entries[40:], more_before=True)
        await pilot.pause()
        transcript.scroll_to(y=3, animate=False)
        await pilot.pause()
        wanted = app.of(messages.OlderWanted)
        assert [message.before for message in wanted] == ["m40"]  # type: ignore[attr-defined]
        before = rows(transcript)
        transcript.show_older(entries[:40], more_before=False)
        await pilot.pause()
        assert rows(transcript)[1:] == before[1:]
        assert transcript.entry_list.number("m3") == 3
        assert transcript.entry_list.number("m44") == 44
        transcript.replace_entry(said("m44", "changed"))
        assert transcript.entry_list.slots[44].entry.text == "changed"


async def test_a_header_changes_alone() -> None:
    app = Stage()
    async with app.run_test(size=(80, 12)) as pilot:
        transcript = app.transcript
        transcript.show(talk(2))
        await pilot.pause()
        before = rows(transcript)
        transcript.set_header("m1", Header("openai/gpt", tokens="12 tok", cost="$0.0041"))
        after = rows(transcript)
        changed = [number for number, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
        assert len(changed) == 1
        assert after[changed[0]].strip(" ▌") == "▸ openai/gpt · 12 tok · $0.0041"


async def test_only_changed_rows_are_painted_while_streaming() -> None:
    app = Stage()
    async with app.run_test(size=(60, 30)) as pilot:
        transcript = app.transcript
        transcript.show(talk(2))
        transcript.begin_stream(Entry("live", "assistant", status="streaming", header=Header("demo/echo")))
        transcript.feed("live", TextDelta("A paragraph that has begun"))
        transcript.flush()
        await pilot.pause()
        row = next(number for number, text in enumerate(rows(transcript)) if "A paragraph that" in text)
        painted: list[int] = []
        kept = transcript.render_line
        transcript.render_line = lambda y: (painted.append(y), kept(y))[1]  # type: ignore[method-assign,func-returns-value]
        transcript.feed("live", TextDelta(" and goes on"))
        transcript.flush()
        await pilot.pause()
        assert painted
        assert min(painted) >= row


async def test_a_definition_goes_into_its_link_once_the_answer_is_whole() -> None:
    app = Stage()
    async with app.run_test(size=(80, 90)) as pilot:
        transcript = app.transcript
        empty = Entry("a", "assistant", status="streaming", header=Header("demo/markdown"))
        transcript.begin_stream(empty)
        transcript.feed("a", TextDelta(ANSWER))
        transcript.flush()
        await pilot.pause()
        assert any("[ref] example.org/a" in row for row in rows(transcript))
        transcript.end_stream("a", replace(empty, status="done", parts=(Text(ANSWER),)))
        await pilot.pause()
        assert not any("[ref]" in row for row in rows(transcript))
        assert any("ref ‹example.org/a›" in row for row in rows(transcript))


async def test_cursor_copy_and_actions() -> None:
    app = Stage()
    async with app.run_test(size=(60, 20)) as pilot:
        transcript = app.transcript
        text = "Look:\n\n```python\nx = 1\n\tif y:\n```\n\nand\n\n```\nplain\n```"
        transcript.show([said("q", "Hello **there**"), said("a", text, "assistant")])
        transcript.focus()
        await pilot.pause()
        await pilot.press("y", "c")
        await pilot.press("ctrl+up", "ctrl+up", "c", "e", "[", "w")
        await pilot.press("ctrl+up", "ctrl+up", "y")
        await pilot.pause()
        copied = [(message.what, message.text) for message in app.of(messages.CopyRequested)]  # type: ignore[attr-defined]
        assert copied == [
            ("message", text),
            ("code block", "plain"),
            ("code block", "x = 1\n\tif y:"),
            ("message", "Hello **there**"),
        ]
        actions = [(message.id, message.action) for message in app.of(messages.EntryAction)]  # type: ignore[attr-defined]
        assert actions == [("a", "edit"), ("a", "previous"), ("a", "why")]
        await pilot.press("escape")
        await pilot.pause()
        assert app.told[-1] == "left"


async def test_selection_across_messages_is_plain_text() -> None:
    app = Stage()
    async with app.run_test(size=(40, 30)) as pilot:
        transcript = app.transcript
        answer = (
            "A paragraph that is **long** enough to be wrapped here.\n\n"
            "| a | b |\n|--|--|\n| 1 | 2 |\n\n> quoted\n\n"
            "```py\nx = 1  # y\n\nz = 'a long line of code that is cut in two'\n```"
        )
        transcript.show([said("q", "Why?"), said("a", answer, "assistant")])
        await pilot.pause()
        last = transcript.entry_list.slots[1].height - 1
        transcript.select(Selection(Place(0, 1, 0), Place(1, last, END)))
        assert transcript.selected == (
            "Why?\n\ndemo/echo\nA paragraph that is long enough to be wrapped here.\n\na\tb\n1\t2\n\nquoted\n\n"
            "x = 1  # y\n\nz = 'a long line of code that is cut in two'"
        )
        transcript.select(Selection(Place(1, 1, 2), Place(1, 1, 11)))
        assert transcript.selected == "paragraph"
        transcript.focus()
        await pilot.press("y")
        await pilot.pause()
        assert app.of(messages.CopyRequested)[-1].what == "selection"  # type: ignore[attr-defined]
        assert transcript.selection is None


async def test_the_mouse_selects_a_word_a_block_and_drags() -> None:
    app = Stage()
    async with app.run_test(size=(60, 20)) as pilot:
        transcript = app.transcript
        transcript.show([said("q", "Hello wide world of words")])
        await pilot.pause()
        row = next(y for y, text in enumerate(rows(transcript)) if "Hello" in text)
        await pilot.click(transcript, offset=(9, row), times=2)
        assert transcript.selected == "wide"
        await pilot.mouse_down(transcript, offset=(2, row))
        await pilot.hover(transcript, offset=(11, row))
        await pilot.mouse_up(transcript, offset=(11, row))
        assert transcript.selected == "Hello wide"


async def test_a_fold_opens_and_closes() -> None:
    app = Stage()
    async with app.run_test(size=(60, 20)) as pilot:
        transcript = app.transcript
        parts = (Reasoning("first\nsecond thought"), ToolCall("c", "read", '{"path": "a"}'), Text("Done."))
        transcript.show([Entry("a", "assistant", parts, header=Header("demo/echo"))])
        transcript.focus()
        await pilot.pause()
        assert not any("second" in row for row in rows(transcript))
        await pilot.press("ctrl+up", "ctrl+up", "space")
        assert any("second thought" in row for row in rows(transcript))
        await pilot.press("space")
        assert not any("second" in row for row in rows(transcript))


async def test_finding_marks_steps_and_reveals() -> None:
    app = Stage()
    async with app.run_test(size=(40, 12)) as pilot:
        transcript = app.transcript
        entries = talk(300)
        entries[7] = said("m7", "some words and then a *needle in* the haystack that wraps", "assistant")
        entries[199] = said("m199", "another Needle in a fold", "assistant")
        transcript.show(entries)
        await pilot.pause()
        assert transcript.find("needle  in") == 2
        transcript.action_find(-1)
        await pilot.pause()
        assert any("another Needle in" in row for row in rows(transcript))
        transcript.action_find(-1)
        await pilot.pause()
        assert any("needle in" in row for row in rows(transcript))
        ground = transcript.palette.style("found").bgcolor
        marked = [
            segment.text
            for y in range(transcript.rows)
            for segment in transcript.render_line(y)
            if segment.style is not None and segment.style.bgcolor == ground
        ]
        assert "".join(marked) == "needle in"
        transcript.action_find(-1)
        await pilot.pause()
        assert any("another Needle in" in row for row in rows(transcript))
        changed = app.of(messages.FindChanged)
        assert [(message.place, message.count) for message in changed] == [(2, 2), (1, 2), (2, 2)]  # type: ignore[attr-defined]
        assert transcript.find("") == 0
        assert transcript.reveal("m7", "haystack")
        assert any("haystack" in row for row in rows(transcript))
        assert not transcript.reveal("nowhere")


async def test_a_slow_line_is_scrolled_by_a_third_of_the_view() -> None:
    app = Stage()
    async with app.run_test(size=(60, 12)) as pilot:
        transcript = app.transcript
        transcript.throttle(True)
        transcript.begin_stream(replace(said("live", "", "assistant"), parts=(), status="streaming"))
        tops, ends = [], []
        for n in range(40):
            transcript.feed("live", TextDelta(f"line {n}\n"))
            transcript.flush()
            await pilot.pause()
            tops.append(transcript.scroll_offset.y)
            ends.append(any(f"line {n}" in row for row in rows(transcript)))
        assert all(ends)
        assert set(tops) == set(range(0, max(tops) + 1, 4))
        assert transcript.follow
        transcript.end_stream("live", said("live", "\n".join(f"line {n}" for n in range(40)), "assistant"))
        await pilot.pause()
        assert "line 39" in rows(transcript)[-2]


@pytest.mark.parametrize(("beside", "dear", "step"), [(True, True, 4), (True, False, 1), (False, True, 1)])
async def test_where_scrolling_is_dear_a_few_lines_are_scrolled_at_once(beside: bool, dear: bool, step: int) -> None:
    app = Stage()
    app.CSS = "#beside { dock: left; width: 20; }"
    async with app.run_test(size=(80, 12)) as pilot:
        if beside:
            await app.mount(Static("what stands beside", id="beside"))
            await pilot.pause()
        app.transcript.throttle(False, dear=dear)
        app.transcript.begin_stream(replace(said("live", "", "assistant"), parts=(), status="streaming"))
        tops = []
        for n in range(40):
            app.transcript.feed("live", TextDelta(f"line {n}\n"))
            app.transcript.flush()
            await pilot.pause()
            tops.append(app.transcript.scroll_offset.y)
            assert any(f"line {n}" in row for row in rows(app.transcript))
        assert set(tops) == set(range(0, max(tops) + 1, step))


async def test_what_is_painted_bit_by_bit_is_what_is_there() -> None:
    """Only the rows that changed are painted while an answer grows: all the others must be right already."""
    app = Stage()
    async with app.run_test(size=(50, 16)) as pilot:
        transcript = app.transcript
        chance = random.Random(11)
        for number, text in enumerate(chance.sample(DOCUMENTS, 8)):
            transcript.begin_stream(replace(said(f"a{number}", "", "assistant"), parts=(), status="streaming"))
            begin = 0
            while begin < len(text):
                end = begin + chance.randrange(1, 60)
                transcript.feed(f"a{number}", TextDelta(text[begin:end]))
                begin = end
                transcript.flush()
                await pilot.pause()
                kept = dict(transcript._painted)
                assert {y: strip.text for y, strip in kept.items()} == {y: transcript.render_line(y).text for y in kept}
            transcript.end_stream(f"a{number}", said(f"a{number}", text, "assistant"))
