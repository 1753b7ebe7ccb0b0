"""A turn on its way: on disk first, folded, passed on, kept however it ends."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import aclosing
from pathlib import Path

import pytest

from routerterm.core.errors import ServerError, StoreError, StreamInterrupted
from routerterm.core.events import AttemptFailed, AttemptStarted, Event, Failed, Finished, Recovered, TextDelta
from routerterm.core.messages import Image, Text
from routerterm.core.request import Params
from routerterm.core.targets import Target
from routerterm.engine.chat.session import Session, SessionBusy
from routerterm.engine.chat.summary import forget_summary, sum_up
from routerterm.engine.chat.trace import ReplyTrace
from routerterm.store.database import Store
from tests.engine.fakes import DECISION, TARGET, Script, answer, said, store_in

OTHER = Target("demo", "markdown")


def rows(path: Path) -> list[sqlite3.Row]:
    """What another program sees."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    found = connection.execute("SELECT * FROM message ORDER BY rowid").fetchall()
    connection.close()
    return found


async def test_a_turn_is_kept_with_how_it_came_to_be(store: Store) -> None:
    session = Session(store, Script(answer("Hel", "lo")), model="any")
    events = await said(session, "Say hello.", params=Params(temperature=0.5))
    assert [type(event).__name__ for event in events] == [
        "RouteDecided", "AttemptStarted", "TextDelta", "TextDelta", "Finished",
    ]  # fmt: skip
    question, reply = (await session.page()).messages
    assert (question.role, question.text, question.status) == ("user", "Say hello.", "done")
    assert (reply.text, reply.status, reply.model) == ("Hello", "done", "demo/echo")
    assert reply.parent_id == question.id
    record = ReplyTrace.of(reply.params)
    assert record.decision == DECISION
    assert record.attempts[0].target == "demo/echo"
    assert record.params == {"temperature": 0.5}
    assert record.cost is not None
    assert record.cost.usd == 0
    assert session.conversation is not None
    assert session.conversation.title == "Say hello"


async def test_question_and_empty_answer_are_on_disk_before_the_request_leaves(store: Store) -> None:
    seen = []

    class Peeking(Script):
        async def stream(self, request):
            seen.extend(rows(store.path))
            async with aclosing(super().stream(request)) as events:
                async for event in events:
                    yield event

    await said(Session(store, Peeking()), "first")
    assert [(row["role"], row["text"], row["status"]) for row in seen] == [
        ("user", "first", "done"),
        ("assistant", "", "streaming"),
    ]
    assert seen[1]["finished_at"] is None


async def test_the_end_is_on_disk_before_it_is_passed_on(store: Store) -> None:
    async with aclosing(Session(store, Script(answer("all"))).send("x")) as events:
        async for event in events:
            if isinstance(event, Finished):
                assert rows(store.path)[-1]["status"] == "done"
                assert rows(store.path)[-1]["text"] == "all"


async def test_a_growing_answer_is_checkpointed(store: Store) -> None:
    go = asyncio.Event()
    script = Script([*answer("one ", "two ")[:-1], go, *answer("three")[2:]])
    session = Session(store, script, checkpoint_every=0.01)
    async with aclosing(session.send("x")) as events:
        async for event in events:
            if isinstance(event, TextDelta) and event.text == "two ":
                asyncio.get_running_loop().call_later(0.2, go.set)
            if isinstance(event, TextDelta) and event.text == "three":
                row = rows(store.path)[-1]
                assert (row["text"], row["status"]) == ("one two ", "streaming")
                assert row["model"] == "demo/echo"
    assert rows(store.path)[-1]["text"] == "one two three"


async def test_stopping_keeps_what_was_said_and_closes_the_stream(store: Store) -> None:
    script = Script([*answer("so far ")[:-1], asyncio.Event()])
    session = Session(store, script)
    async with aclosing(session.send("x")) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    assert script.closed == 1
    assert not session.busy
    row = rows(store.path)[-1]
    assert (row["text"], row["status"]) == ("so far ", "stopped")


async def test_cancelling_keeps_what_was_said_even_if_it_is_cancelled_again(store: Store) -> None:
    script = Script([*answer("so far ")[:-1], asyncio.Event()])
    session = Session(store, script)
    task = asyncio.create_task(said(session, "x"))
    while not (session.reply and session.reply.builder.text):  # noqa: ASYNC110 - it is the program that is watched
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert script.closed == 1
    row = rows(store.path)[-1]
    assert (row["text"], row["status"]) == ("so far ", "stopped")


@pytest.mark.parametrize(("pieces", "status"), [((), "error"), (("half",), "cut")])
async def test_a_failure_is_kept_with_its_partial_text(store: Store, pieces: tuple[str, ...], status: str) -> None:
    error = ServerError("The provider is in trouble.", "Try later.", status=503)
    session = Session(store, Script([*answer(*pieces)[:-1], Failed(error)]))
    events = await said(session, "x")
    assert isinstance(events[-1], Failed)
    reply = (await session.page()).messages[-1]
    assert (reply.text, reply.status) == ("".join(pieces), status)
    trouble = ReplyTrace.of(reply.params).error
    assert trouble is not None
    assert (trouble.kind, trouble.message, trouble.status) == ("transient", "The provider is in trouble.", 503)


async def test_a_router_that_breaks_leaves_no_streaming_row(store: Store) -> None:
    session = Session(store, Script([*answer("half")[:-1], RuntimeError("a bug")]))
    with pytest.raises(RuntimeError):
        await said(session, "x")
    assert rows(store.path)[-1]["status"] == "cut"
    reply = (await session.page()).messages[-1]
    told = ReplyTrace.of(reply.params).error
    assert told is not None
    assert "crashed (RuntimeError)" in told.message
    assert "a bug" not in str(told)
    session = Session(store, Script(answer("half")[:-1]))
    await said(session, "x")
    assert rows(store.path)[-1]["status"] == "cut"


async def test_a_restart_keeps_the_partial_answer_as_a_sibling(store: Store) -> None:
    cut = AttemptFailed(1, TARGET, StreamInterrupted("It broke off."), "restart on demo/markdown")
    script = Script(
        [
            *answer("partial ")[:-1],
            cut,
            Recovered("restart", 8, OTHER),
            AttemptStarted(2, OTHER, "main", "next in line"),
            *answer("the whole", target=OTHER)[2:],
        ]
    )
    session = Session(store, script)
    events = await said(session, "x")
    assert sum(isinstance(event, Recovered) for event in events) == 1
    reply = (await session.page()).messages[-1]
    assert (reply.text, reply.status, reply.siblings) == ("the whole", "done", 2)
    record = ReplyTrace.of(reply.params)
    assert [seam.how for seam in record.seams] == ["restart"]
    assert [(a.target, a.error.kind if a.error else None) for a in record.attempts] == [
        ("demo/echo", "cut"),
        ("demo/markdown", None),
    ]
    sibling = next(id for id in await store.messages.siblings(reply.id) if id != reply.id)
    partial = await store.messages.get(sibling)
    assert partial is not None
    assert (partial.text, partial.status, partial.model) == ("partial ", "cut", "demo/echo")
    assert script.requests[0].message_id == reply.id


async def test_continuing_appends(store: Store) -> None:
    script = Script([*answer("one ")[:-1], Recovered("continue", 4, OTHER), *answer("two", target=OTHER)[2:]])
    session = Session(store, script)
    await said(session, "x")
    reply = (await session.page()).messages[-1]
    assert (reply.text, reply.siblings, reply.model) == ("one two", 1, "demo/markdown")


async def test_the_next_question_sends_the_branch_and_the_systems_words(store: Store) -> None:
    script = Script(answer("A1"), answer("A2"))
    session = Session(store, script, model="smart", system="Be brief.")
    await said(session, "Q1", parts=(Image("image/png", b"png"),))
    await said(session, "Q2")
    request = script.requests[1]
    assert [(m.role, m.text) for m in request.messages] == [("user", "Q1"), ("assistant", "A1"), ("user", "Q2")]
    assert request.messages[0].images == (Image("image/png", b"png"),)
    assert request.system == "Be brief."
    assert request.model == "smart"
    assert session.conversation is not None
    assert request.conversation_id == session.conversation.id


async def test_a_failed_answer_without_text_is_not_sent(store: Store) -> None:
    script = Script([Failed(ServerError("no"))], answer("yes"))
    session = Session(store, script)
    await said(session, "Q1")
    await said(session, "Q2")
    assert [m.text for m in script.requests[1].messages] == ["Q1", "Q2"]


async def test_a_second_question_while_one_runs_is_refused_in_words(store: Store) -> None:
    session = Session(store, Script([*answer("a")[:-1], asyncio.Event()]))
    async with aclosing(session.send("x")) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                with pytest.raises(SessionBusy):
                    await said(session, "y")
                break
    assert [row["text"] for row in rows(store.path)] == ["x", "a"]


async def test_reopened_the_conversation_goes_on(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    session = Session(store, Script(answer("A1")))
    await said(session, "Q1")
    assert session.conversation is not None
    id = session.conversation.id
    await store.close()
    store = store_in(tmp_path)
    script = Script(answer("A2"))
    session = Session(store, script, id)
    await said(session, "Q2")
    assert [m.text for m in script.requests[0].messages] == ["Q1", "A1", "Q2"]
    assert [m.text for m in (await session.page()).messages] == ["Q1", "A1", "Q2", "A2"]
    await store.close()


async def test_a_disk_that_takes_no_end_is_said_and_tried_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(store, Script(answer("kept in memory")))
    finish = store.turns.finish

    async def full(*_: object) -> None:
        raise StoreError("The disk is full.", "Make room.")

    seen: list[Event] = []

    async def watch() -> None:
        async with aclosing(session.send("x")) as events:
            async for event in events:
                seen.append(event)  # noqa: PERF401 - what came before the error counts

    monkeypatch.setattr(store.turns, "finish", full)
    with pytest.raises(StoreError):
        await watch()
    assert isinstance(seen[-1], Finished)
    assert session.unsaved
    monkeypatch.setattr(store.turns, "finish", finish)
    await session.save_again()
    assert not session.unsaved
    assert rows(store.path)[-1]["text"] == "kept in memory"
    assert (await session.page()).messages[-1].parts == (Text("kept in memory"),)


async def test_stopping_before_anything_came_leaves_no_streaming_row(store: Store) -> None:
    """Esc at any moment: while the question is being written, while the context is read, before the first event."""
    for steps in range(12):
        session = Session(store, Script([asyncio.Event()]))
        task = asyncio.create_task(said(session, f"question {steps}"))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not session.busy
    for delay in (0.0005, 0.001, 0.002, 0.005, 0.02):
        session = Session(store, Script([asyncio.Event()]))
        task = asyncio.create_task(said(session, f"question after {delay}"))
        await asyncio.sleep(delay)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if session.head is not None:
            assert (await session.page()).messages[-1].status == "stopped"
    assert "streaming" not in {row["status"] for row in rows(store.path)}
    assert sum(row["role"] == "user" for row in rows(store.path)) == sum(
        row["role"] == "assistant" for row in rows(store.path)
    )


async def test_an_older_part_that_was_summed_up_goes_as_its_summary(store: Store) -> None:
    script = Script(answer("A1"), answer("A2"), answer("they ", "greeted"), answer("A3"), [Failed(ServerError("no"))])
    session = Session(store, script, system="Be brief.")
    await said(session, "Q1")
    await said(session, "Q2")
    page = (await session.page()).messages
    summary = await sum_up(session, store, script, page[1].id, model="cheap")
    assert (summary.text, summary.messages, summary.target) == ("they greeted", 2, "demo/echo")
    asked = script.requests[-1]
    assert (asked.model, asked.client, asked.message_id) == ("cheap", "summary", page[1].id)
    assert [m.text for m in asked.messages[:-1]] == ["Q1", "A1"]
    await said(session, "Q3")
    request = script.requests[-1]
    assert [m.text for m in request.messages] == ["Q2", "A2", "Q3"]
    assert request.system is not None
    assert request.system.startswith("Be brief.")
    assert request.system.endswith("they greeted")
    assert session.fitted is not None
    assert session.fitted.summed_up == 2
    with pytest.raises(ServerError):
        await sum_up(session, store, script, page[3].id)
    await forget_summary(session, store, page[1].id)
    await said(session, "Q4")
    assert [m.text for m in script.requests[-1].messages][:2] == ["Q1", "A1"]
    assert script.requests[-1].system == "Be brief."
