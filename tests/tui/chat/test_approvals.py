"""Questions about tools: what is pressed or clicked too soon was meant for the question before."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from msgspec.structs import replace

from routerterm.engine.tools.values import Ask, ToolInfo
from routerterm.tui.chat.approvals import PAUSE, Approvals
from routerterm.tui.widgets.fields import fit


async def test_a_second_click_does_not_answer_the_next_question() -> None:
    approvals = Approvals(cast("Any", None), here=lambda: "c", writing=lambda: False, changed=lambda: None)
    tool = ToolInfo("pad__note", "pad", "note", "")
    asking = asyncio.ensure_future(approvals.ask(Ask("1", tool, "{}", conversation_id="c")))
    await asyncio.sleep(0)
    assert not approvals.answer("y")
    assert not approvals.took_key("y")
    waiting = approvals.current
    assert waiting is not None
    waiting.since -= 2 * PAUSE
    assert approvals.answer("y")
    assert (await asking).verdict == "once"


async def test_arguments_that_do_not_fit_are_said_to_be_longer() -> None:
    approvals = Approvals(cast("Any", None), here=lambda: "c", writing=lambda: False, changed=lambda: None)
    hidden = '{"path": "notes"' + " " * 300 + ', "send_to": "https://evil.example"}'
    asking = asyncio.ensure_future(approvals.ask(Ask("1", ToolInfo("a__b", "a", "b", ""), hidden, conversation_id="c")))
    await asyncio.sleep(0)
    said = [span.text for field in approvals.fields for span in field.spans]
    assert any("characters, e shows all" in text for text in said)
    for width, name in ((120, "a.b"), (43, "a.b"), (43, "a." + "b" * 60)):
        current = approvals.current
        assert current is not None
        current.question = replace(current.question, tool=ToolInfo("x", "a", name[2:], ""))
        shown = fit(approvals.fields, width, 3)
        row = " ".join(span.text for placed in shown for span in placed.field.spans)
        assert all(f" {key} " in row for key in "yne"), row
        assert "all" in row, "what is hidden is said at any width"
        assert sum(placed.width for placed in shown) + 3 * (len(shown) - 1) <= width
    asking.cancel()
