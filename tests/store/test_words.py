"""Words that the tokenizer does not see are found: beside CJK, inside identifiers, without accents, one letter off."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.messages import Text
from routerterm.store.corrections import one_edit
from routerterm.store.database import Store
from routerterm.store.query import parse
from routerterm.store.transfer import ConversationBundle
from routerterm.store.values import Conversation, StoredMessage
from routerterm.store.words import search_words

SAID = "Docker日本語Compose, getUserName of HTTPServer, Vue3入門と🍕; Zażółć Łódź Straße; a checkpoint"


async def seeded(store: Store) -> None:
    message = StoredMessage("M", "C", None, "user", (Text(SAID),), SAID, "done", None, {}, 1_000, 1_000)
    conversation = Conversation("C", "標題Titled", None, 1_000, 1_000, "M")
    await store.transfer.import_conversation(ConversationBundle(conversation, (message,)))


@pytest.mark.parametrize(
    "words",
    ["Docker", "compose", "日本語", "Vue3", "🍕", "user name", "server", "lodz", "Łódź", "Lódz", "strasse", "straße",
     "zazolc", "titled", "docker server", "checkpoint -nowhere"],
)  # fmt: skip
async def test_found(store: Store, words: str) -> None:
    await seeded(store)
    results = await store.search.find(parse(words, 0))
    assert results.hits, words
    assert results.instead == ()


@pytest.mark.parametrize("words", ["docker -server", "nowhere", "🍔", "server nowhere"])
async def test_not_found(store: Store, words: str) -> None:
    await seeded(store)
    assert not (await store.search.find(parse(words, 0))).hits


@pytest.mark.parametrize("typed", ["chekpoint", "checkpiont", "checkpointt", "checkboint"])
async def test_one_letter_off_is_corrected_and_said(store: Store, typed: str) -> None:
    await seeded(store)
    results = await store.search.find(parse(typed, 0))
    assert [hit.message_id for hit in results.hits] == ["M"]
    assert results.instead == ((typed, "checkpoint"),)


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("Москва ёлка", "елка"), ("мёд и елка", "ёлка"), ("final σίγμα", "σιγμα"), ("مَدْرَسَة كتاب", "مدرسة"),
        ("שָׁלוֹם", "שלום"), ("in ﬁne print", "fine"), ("２０２４年の夏", "2024"), ("in 2024", "２０２４"),
        ("cafe\u0301 au lait", "café"), ("the-long_identifierName42", "Name42"), ("HTTPServerError2 came", "error2"),
        ("نص بالعربية", "بالعربية"), ("नमस्ते दुनिया", "दुनिया"), ("Ｆｕｌｌｗｉｄｔｈ letters", "fullwidth"),
        ("한국어 검색", "검색"), ("naïve Ångström", "angstrom"),
    ],
)  # fmt: skip
async def test_words_of_every_script_with_and_without_their_marks(store: Store, said: str, typed: str) -> None:
    message = StoredMessage("M", "C", None, "user", (Text(said),), said, "done", None, {}, 1_000, 1_000)
    conversation = Conversation("C", "t", None, 1_000, 1_000, "M")
    await store.transfer.import_conversation(ConversationBundle(conversation, (message,)))
    results = await store.search.find(parse(typed, 0))
    assert [hit.message_id for hit in results.hits] == ["M"]
    assert results.instead == ()


async def test_what_is_changed_or_deleted_is_found_no_more(store: Store) -> None:
    await seeded(store)
    assert (await store.search.find(parse("compose", 0))).hits
    await store.writer.write(lambda connection: connection.execute("UPDATE message SET text = 'other'") and None)
    assert not (await store.search.find(parse("compose", 0))).hits
    await store.conversations.change("C", title="plain")
    assert not (await store.search.find(parse("titled", 0))).hits


@given(st.text(max_size=300))
def test_any_text_gives_words_and_no_end_of_them(text: str) -> None:
    assert len(search_words(text).split()) <= 2_000 + 300


@given(st.text(alphabet="abc", min_size=1, max_size=6), st.text(alphabet="abc", min_size=1, max_size=6))
def test_one_edit_is_symmetric_and_never_of_the_same(a: str, b: str) -> None:
    assert one_edit(a, b) == one_edit(b, a)
    assert not one_edit(a, a)


@pytest.mark.parametrize("word", ["a", "G", "7", "é", "gattaca"])
def test_a_word_without_end_takes_time_in_proportion(word: str) -> None:
    """Digits of pi, a genome, a key: once a single one of them held up every search."""
    long = word * (150_000 // len(word))
    begun = time.process_time()
    found = search_words(f"getUserName {long} sha256sum").split()
    assert time.process_time() - begun < 5
    assert {"user", "sum"} <= set(found)
