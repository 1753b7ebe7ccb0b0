"""Search: words, beginnings, phrases, filters; the fitting and the fresh first; marks where they belong."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.messages import Message, Text
from routerterm.store.database import Store
from routerterm.store.query import BadQuery, Query, Term, match_expression, parse
from routerterm.store.snippet import pattern_of, snippet_of
from routerterm.store.turns import Answer
from tests.store.seeds import DAY, NOW, seed, sound


def ask(text: str, *, typing: bool = False) -> Query:
    return parse(text, NOW, UTC, typing=typing)


async def found(store: Store, text: str, *, typing: bool = False) -> list[tuple[str, str]]:
    results = await store.search.find(ask(text, typing=typing))
    return [(hit.title, hit.snippet.text) for hit in results.hits]


@pytest.fixture
async def filled(store: Store) -> Store:
    await store.start()
    seed(store.path, "SQLite WAL", ["How do WAL checkpoints work?", "A checkpoint copies pages back."], NOW - DAY)
    seed(store.path, "Pi cluster", ["Naïve café on a Raspberry", "天气 今天天气很好"], NOW - 40 * DAY, "groq/llama")
    seed(store.path, "Empty talk", ["write ahead log", "ahead of the write"], NOW)
    return store


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("checkpoint", ["A checkpoint copies pages back."]),
        ("CHECKPOINTS wal", ["How do WAL checkpoints work?"]),
        ("check*", ["A checkpoint copies pages back.", "How do WAL checkpoints work?"]),
        ('"write ahead"', ["write ahead log"]),
        ("write -log", ["ahead of the write"]),
        ("naive cafe", ["Naïve café on a Raspberry"]),
        ("天气很", ["天气 今天天气很好"]),
        ("title:cluster", ["Pi cluster"]),
        ("raspberry title:cluster", ["Naïve café on a Raspberry"]),
        ("title:wal pages role:a", ["A checkpoint copies pages back."]),
        ("role:user title:cluster", ["Naïve café on a Raspberry"]),
        ("天气 title:cluster", ["天气 今天天气很好"]),
        ("raspberry title:sqlite", []),
        ("log -title:wal", ["write ahead log"]),
        ("pages -title:wal", []),
        ("ahead title:empty model:echo after:1d", ["write ahead log", "ahead of the write"]),
        ("raspberry before:2026-11-01", ["Naïve café on a Raspberry"]),
        ("raspberry after:7d", []),
        ("pages role:user", []),
        ("pages role:a", ["A checkpoint copies pages back."]),
        ("provider:groq", ["天气 今天天气很好"]),
        ("model:llama cafe", ["Naïve café on a Raspberry"]),
        ("no-such-word", []),
        ('"', []),
        ("***", []),
        ('weird" OR (', []),
    ],
)  # fmt: skip
async def test_what_is_found(filled: Store, query: str, texts: list[str]) -> None:
    assert sorted(text for _, text in await found(filled, query)) == sorted(texts)


async def test_titles_are_found_too_and_stand_first(filled: Store) -> None:
    assert await found(filled, "wal") == [
        ("SQLite WAL", "SQLite WAL"),
        ("SQLite WAL", "How do WAL checkpoints work?"),
    ]


async def test_while_typing_the_last_word_may_go_on(filled: Store) -> None:
    assert await found(filled, "che", typing=True)
    assert not await found(filled, "che")
    assert not await found(filled, "che ", typing=True)
    assert await found(filled, "wal before:20", typing=True)


async def test_the_fresh_come_before_the_old(store: Store) -> None:
    await store.start()
    for days in (200, 2, 60):
        seed(store.path, f"talk {days}", ["about kestrels", "yes"], NOW - days * DAY)
    found_at = [hit.title for hit in (await store.search.find(ask("kestrels"))).hits]
    assert found_at == ["talk 2", "talk 60", "talk 200"]


async def test_tags_costs_and_pins_narrow_down(filled: Store) -> None:
    conversation = (await filled.conversations.page())[0]
    await filled.conversations.change(conversation.id, tags=("work",))
    assert {title for title, _ in await found(filled, "tag:work")} == {"Empty talk"}
    message = (await filled.messages.page(conversation.id)).messages[1]
    insert = "INSERT INTO attempt (id, message_id, provider, model, started_at, cost_nanousd) VALUES (?,?,?,?,?,?)"
    values = ("A", message.id, "demo", "echo", NOW, 200_000_000)
    await filled.writer.write(lambda connection: connection.execute(insert, values) and None)
    assert [text for _, text in await found(filled, "cost:>0.1")] == ["ahead of the write"]
    assert await found(filled, "cost:>0.2") == []
    await filled.messages.pin(message.id)
    assert [text for _, text in await found(filled, "is:pinned")] == ["ahead of the write"]


async def test_what_is_deleted_is_not_found_and_comes_back(filled: Store) -> None:
    conversation = (await filled.conversations.page())[0]
    await filled.conversations.delete(conversation.id)
    assert await found(filled, "ahead") == []
    await filled.conversations.restore(conversation.id)
    assert len(await found(filled, "ahead")) == 2


async def test_the_index_follows_every_change(store: Store) -> None:
    conversation = store.conversations.new(title="Old name")
    turn = store.turns.plan(conversation.id)
    await store.turns.begin(turn, conversation, None, Message.of("user", "question"), "m", new=True)
    await store.turns.checkpoint(turn, Answer((Text("growing kestrel"),), "streaming"))
    assert await found(store, "kestrel") == []
    await store.turns.finish(turn, Answer((Text("finished heron"),), "done"))
    assert [text for _, text in await found(store, "heron")] == ["finished heron"]
    await store.conversations.change(conversation.id, title="New name")
    assert await found(store, "title:old") == []
    assert len(await found(store, "title:new")) == 1
    sound(store.path)
    await store.conversations.delete(conversation.id)
    assert await store.conversations.purge(kept=0) == 1
    assert await found(store, "heron") == []
    sound(store.path)


async def test_a_search_that_is_called_off_makes_way(filled: Store) -> None:
    tasks = [asyncio.create_task(filled.search.find(ask("check*"))) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks[:-1]:
        task.cancel()
    assert len((await tasks[-1]).hits) == 2
    assert all(task.cancelled() or task.done() for task in tasks)


@pytest.mark.parametrize("text", ["before:soon", "cost:much", "role:king", "is:nice", "cost:>nan"])
def test_a_wrong_filter_is_named(text: str) -> None:
    with pytest.raises(BadQuery) as caught:
        ask(text)
    assert text in caught.value.message
    assert caught.value.hint


def test_addresses_and_unknown_names_are_words() -> None:
    assert ask("https://x.org foo:bar").terms == (Term("https://x.org"), Term("foo:bar"))


@given(st.text(max_size=40))
def test_no_query_breaks_the_index(text: str) -> None:
    query = parse(text, NOW, UTC, typing=True)
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE t USING fts5(text, title, tokenize='unicode61 remove_diacritics 2')")
    if (expression := match_expression(query)) is not None:
        connection.execute("SELECT * FROM t WHERE t MATCH ?", (expression,)).fetchall()


@given(st.text(max_size=300), st.text(min_size=1, max_size=6))
def test_marks_lie_in_the_excerpt(text: str, word: str) -> None:
    pattern = pattern_of([Term(word, prefix=True)])
    snippet = snippet_of(text, pattern, 40)
    assert len(snippet.text) <= 42
    assert snippet.text.isprintable() or not snippet.text
    last = 0
    for start, end in snippet.marks:
        assert last <= start < end <= len(snippet.text)
        last = end


def test_an_excerpt_shows_the_densest_place() -> None:
    text = "wal " + "x " * 300 + "wal and wal again " + "y " * 300
    snippet = snippet_of(text, pattern_of([Term("wal")]), 60)
    assert [snippet.text[a:b] for a, b in snippet.marks] == ["wal", "wal"]
    assert snippet.text.startswith("…")
    assert snippet.text.endswith("…")
