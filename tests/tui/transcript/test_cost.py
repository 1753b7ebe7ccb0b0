"""What a token costs does not depend on what came before it: counted in work, not in seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from routerterm.core.events import TextDelta
from routerterm.tui.markdown.grammar import Grammar
from routerterm.tui.markdown.line_writer import LineWriter
from routerterm.tui.transcript import painter
from routerterm.tui.transcript.entry_list import EntryList, EntrySlot
from routerterm.tui.transcript.layout import live
from routerterm.tui.transcript.values import Entry, Header
from tests.tui.transcript.stage import Stage, talk

KINDS: dict[str, Callable[[int], str]] = {
    "prose": lambda n: f"The keeper wrote down **ship {n}** before dark, its `course` and *flag* by the window.\n\n",
    "paragraph": lambda n: f"and then ship {n} came past the **harbour** with its `flag` and the keeper slept; ",
    "list": lambda n: f"- item {n} with **bold words** and `some code` in it\n  1. and one beneath it\n",
    "table": lambda n: ("| a | b |\n|---|--:|\n" if n == 0 else "") + f"| row {n} of the table | {n * 7} |\n",
    "code": lambda n: ("```python\n" if n == 0 else "") + f"def handler_{n}(request, *, limit={n}):\n    return 'a'\n",
    "quotation": lambda n: f"> a line of the quotation {n} with **bold words**\n",
}
PIECE, FRAME = 5, 4
"""Characters in a piece, pieces in a frame."""
EARLY, LATE, SPAN = 200, 20_000, 400


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Counts lines laid out, characters parsed, rows painted, strips dropped, entries looked at."""
    count: Counter[str] = Counter()

    def counted(owner: Any, name: str, what: str, size: Callable[..., int] = lambda *_: 1) -> None:
        original = getattr(owner, name)

        def call(*given: Any, **named: Any) -> Any:
            count[what] += size(*given)
            return original(*given, **named)

        monkeypatch.setattr(owner, name, call)

    counted(LineWriter, "put", "lines laid out")
    counted(Grammar, "blocks", "characters parsed", lambda _, source: len(source))
    counted(Grammar, "inline", "characters parsed", lambda _, content, references: len(content))
    counted(painter, "paint", "rows painted")
    counted(live, "renumber", "lines numbered")
    counted(EntryList, "lay", "entries laid out")
    counted(EntrySlot, "line", "lines asked for")
    return count


@pytest.mark.parametrize("kind", KINDS)
async def test_a_token_costs_the_same_at_twenty_thousand_as_at_two_hundred(kind: str, work: Counter[str]) -> None:
    text = "".join(KINDS[kind](n) for n in range((LATE + SPAN) * PIECE // 20))[: (LATE + SPAN) * PIECE]
    pieces = [text[begin : begin + PIECE] for begin in range(0, len(text), PIECE)]
    spent: dict[int, Counter[str]] = {}
    stage = Stage()
    async with stage.run_test(size=(100, 30)) as pilot:
        transcript = stage.transcript
        transcript.show(talk(10_000))
        transcript.begin_stream(Entry("a", "assistant", status="streaming", header=Header("demo")))
        await pilot.pause()
        number = 0
        while number < len(pieces):
            part = next((begin for begin in (EARLY, LATE) if begin <= number < begin + SPAN), None)
            fine = part is not None or number < EARLY
            work.clear()
            for _ in range(FRAME if fine else 100 * FRAME):
                if number < len(pieces):
                    transcript.feed("a", TextDelta(pieces[number]))
                    number += 1
            transcript.flush()
            if fine:
                transcript.render_lines(transcript.size.region)
            if part is not None:
                spent.setdefault(part, Counter()).update(work)
            if not fine:
                await pilot.pause(0)
        assert transcript.entry_list.slots[-1].height > 400
    early, late = spent[EARLY], spent[LATE]
    assert early["lines laid out"]
    assert early["characters parsed"]
    assert early["rows painted"]
    assert not late["entries laid out"]
    for what in early | late:
        assert late[what] <= 1.25 * early[what] + 20, (what, early[what], late[what])
    assert late["lines laid out"] < 24 * SPAN / FRAME  # of the hundreds there are
    assert late["rows painted"] < 40 * SPAN / FRAME
