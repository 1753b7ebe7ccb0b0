"""The tree: edit, answer again, fork, siblings, undo and redo, clone.  Nothing is ever overwritten."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.errors import RoutertermError
from routerterm.core.events import TextDelta
from routerterm.core.messages import Image
from routerterm.engine.chat.session import Session
from routerterm.engine.chat.tree import branches
from routerterm.store.database import Store
from routerterm.store.values import Node
from tests.engine.fakes import Script, answer, said


async def texts(session: Session) -> list[str]:
    return [message.text for message in (await session.page()).messages]


async def ids(session: Session) -> list[str]:
    return [message.id for message in (await session.page()).messages]


@pytest.fixture
async def session(store: Store) -> Session:
    session = Session(store, Script(answer("A1"), answer("A2")))
    await said(session, "Q1")
    await said(session, "Q2")
    return session


def next_answers(session: Session, *answers: str) -> Script:
    script = session._router
    assert isinstance(script, Script)
    script.scripts = [answer(text) for text in answers]
    return script


async def run(events) -> None:
    async with aclosing(events) as open_events:
        async for _ in open_events:
            pass


async def test_editing_makes_a_sibling_and_goes_on_from_there(session: Session) -> None:
    script = next_answers(session, "B1")
    first = (await ids(session))[0]
    await run(session.edit(first, "Q1, better"))
    assert await texts(session) == ["Q1, better", "B1"]
    assert [m.text for m in script.requests[-1].messages] == ["Q1, better"]
    page = await session.page()
    assert (page.messages[0].sibling, page.messages[0].siblings) == (2, 2)
    there = await session.walk(page.messages[0].id, -1)
    assert there == first
    assert await texts(session) == ["Q1", "A1", "Q2", "A2"]
    assert await session.walk(first, -1) == page.messages[0].id, "it goes round"


async def test_editing_keeps_the_pictures(store: Store) -> None:
    script = Script()
    session = Session(store, script)
    picture = Image("image/png", b"1")
    await said(session, "what is this?", parts=(picture,))
    await run(session.edit((await ids(session))[0], "and this?"))
    assert script.requests[-1].messages[0].images == (picture,)


async def test_answering_again_by_another_model(session: Session) -> None:
    script = next_answers(session, "C2", "C1")
    await run(session.regenerate(model="groq/other"))
    assert await texts(session) == ["Q1", "A1", "Q2", "C2"]
    assert script.requests[-1].model == "groq/other"
    assert [m.text for m in script.requests[-1].messages] == ["Q1", "A1", "Q2"]
    await run(session.regenerate((await ids(session))[1]))
    assert await texts(session) == ["Q1", "C1"]
    assert script.requests[-1].model == "any", "one answer's model is not the conversation's"


async def test_forking_goes_on_from_an_earlier_message(session: Session) -> None:
    script = next_answers(session, "F")
    await session.fork((await ids(session))[1])
    assert await texts(session) == ["Q1", "A1"]
    await said(session, "another way")
    assert await texts(session) == ["Q1", "A1", "another way", "F"]
    assert [m.text for m in script.requests[-1].messages] == ["Q1", "A1", "another way"]
    tree = await session.tree()
    assert [(b.node.preview, b.indent, b.on_path) for b in tree] == [
        ("Q1", 0, True), ("A1", 0, True), ("Q2", 1, False), ("A2", 1, False),
        ("another way", 1, True), ("F", 1, True),
    ]  # fmt: skip


async def test_undo_gives_the_text_back_and_redo_the_turn(session: Session) -> None:
    undone = await session.undo()
    assert undone is not None
    assert undone.text == "Q2"
    assert await texts(session) == ["Q1", "A1"]
    again = await session.undo()
    assert again is not None
    assert again.text == "Q1"
    assert await texts(session) == []
    assert await session.undo() is None
    assert await session.redo()
    assert await texts(session) == ["Q1", "A1"]
    assert await session.redo()
    assert await texts(session) == ["Q1", "A1", "Q2", "A2"]
    assert not await session.redo()


async def test_all_undone_it_stays_so_when_opened_again(session: Session, store: Store) -> None:
    await session.undo()
    await session.undo()
    assert session.conversation is not None
    again = Session(store, Script(), session.conversation.id)
    assert await texts(again) == []
    await said(again, "a fresh start")
    assert (await texts(again))[0] == "a fresh start"
    assert (await again.page()).messages[0].siblings == 2


async def test_a_new_turn_ends_what_can_be_redone(session: Session) -> None:
    await session.undo()
    await said(session, "elsewhere")
    assert not await session.redo()


async def test_a_clone_is_a_conversation_of_its_own(session: Session, store: Store) -> None:
    await run(session.regenerate())
    whole = await session.clone()
    assert len(await store.messages.tree(whole.id)) == 5
    part = await session.clone(up_to=(await ids(session))[1])
    copy = Session(store, Script(), part.id)
    assert await texts(copy) == ["Q1", "A1"]
    await said(copy, "only here")
    assert "only here" not in await texts(session)
    assert session.conversation is not None
    assert part.title == session.conversation.title


async def test_showing_a_message_shows_its_branch(session: Session) -> None:
    last = (await ids(session))[-1]
    next_answers(session, "B1")
    await run(session.edit((await ids(session))[0], "Q1, better"))
    await session.show(last)
    assert await texts(session) == ["Q1", "A1", "Q2", "A2"]


async def test_messages_of_other_conversations_are_refused(session: Session, store: Store) -> None:
    other = Session(store, Script())
    await said(other, "elsewhere")
    with pytest.raises(RoutertermError):
        await session.fork((await ids(other))[0])
    with pytest.raises(RoutertermError):
        await Session(store, Script(), "NOSUCH").load()


async def test_a_stopped_answer_can_be_gone_on_from(session: Session) -> None:
    script = session._router
    assert isinstance(script, Script)
    script.scripts = [[*answer("half an ")[:-1], asyncio.Event()], answer("A4")]
    async with aclosing(session.send("Q3")) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    await said(session, "go on")
    assert [m.text for m in script.requests[-1].messages][-3:] == ["Q3", "half an ", "go on"]


async def test_a_conversation_another_program_went_on_with(session: Session, store: Store) -> None:
    assert session.conversation is not None
    other = Session(store, Script(answer("A3")), session.conversation.id)
    await said(other, "Q3")
    await session.refresh()
    assert await texts(session) == ["Q1", "A1", "Q2", "A2", "Q3", "A3"]


@given(st.lists(st.integers(0, 30), max_size=30), st.data())
def test_every_message_stands_once_in_the_tree_after_its_parent(parents: list[int], data: st.DataObject) -> None:
    nodes = [
        Node(str(n), str(p % n) if n and p else None, "user", "done", None, n, "", n, False)
        for n, p in enumerate(parents)
    ]
    head = data.draw(st.sampled_from([node.id for node in nodes])) if nodes else None
    tree = branches(nodes, head)
    order = [branch.node.id for branch in tree]
    assert sorted(order) == sorted(node.id for node in nodes)
    assert all(b.node.parent_id is None or order.index(b.node.parent_id) < order.index(b.node.id) for b in tree)
    roots = [branch for branch in tree if branch.node.parent_id is None]
    assert sum(branch.subtree_nanousd for branch in roots) == sum(node.cost_nanousd or 0 for node in nodes)
    assert sum(branch.messages for branch in roots) == len(nodes)


def test_a_long_conversation_is_no_deep_recursion() -> None:
    nodes = [Node(str(n), str(n - 1) if n else None, "user", "done", None, n, "", 1, False) for n in range(10_000)]
    tree = branches(nodes, "9999")
    assert tree[0].subtree_nanousd == 10_000
    assert {branch.indent for branch in tree} == {0}
