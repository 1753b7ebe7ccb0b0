"""Our own JSON there and back; the same bytes every time; Markdown and HTML that cannot do harm."""

from __future__ import annotations

import asyncio
import json
import tempfile
from contextlib import aclosing
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.core.errors import RoutertermError
from routerterm.core.ledger import AttemptRecord
from routerterm.core.messages import Image, Message, Part, Reasoning, Text, ToolCall, ToolResult
from routerterm.engine.transfer import native_format
from routerterm.engine.transfer.exporting import export_json, export_one
from routerterm.engine.transfer.formats import Form
from routerterm.engine.transfer.importing import import_file
from routerterm.engine.transfer.problems import BadArchive
from routerterm.store.database import Store
from routerterm.store.transfer import ConversationBundle
from routerterm.store.values import Conversation, StoredMessage
from tests.store.seeds import sound

texts = st.text(max_size=30)
numbers = st.integers(0, 1 << 46)
parts = st.lists(
    st.one_of(
        st.builds(Text, texts.filter(bool)),
        st.builds(Reasoning, texts, st.none() | texts, st.none() | texts),
        st.builds(Image, st.just("image/png"), st.binary(min_size=1, max_size=8), st.none(), st.none() | texts),
        st.builds(ToolCall, texts, texts, texts, st.none() | texts),
        st.builds(ToolResult, texts, texts, texts, st.booleans()),
    ),
    max_size=3,
).map(tuple)
objects = st.dictionaries(texts, st.none() | st.booleans() | st.integers(-(1 << 60), 1 << 60) | texts, max_size=3)


@st.composite
def trees(draw: st.DrawFn, number: int) -> ConversationBundle:
    """A conversation with a random tree."""
    id = f"C{number}"
    messages: list[StoredMessage] = []
    for n in range(draw(st.integers(0, 8))):
        parent = draw(st.none() | st.sampled_from(messages)) if messages else None
        content: tuple[Part, ...] = draw(parts)
        role = draw(st.sampled_from(["user", "assistant", "system", "tool"]))
        messages.append(
            StoredMessage(
                f"{id}M{n}", id, parent.id if parent else None, role, content, Message(role, content).text,
                draw(st.sampled_from(["done", "stopped", "cut", "error", "interrupted"])),
                draw(st.sampled_from([None, "done"]) | texts), draw(objects), draw(numbers), draw(st.none() | numbers),
                draw(st.booleans()),
            )
        )  # fmt: skip
    conversation = Conversation(
        id, draw(texts), draw(st.none() | texts), draw(numbers), draw(numbers),
        draw(st.none() | st.sampled_from([m.id for m in messages])) if messages else None,
        draw(st.none() | texts), draw(objects), draw(st.booleans()), draw(st.booleans()), draw(st.booleans()),
        draw(texts), tuple(draw(st.lists(texts, max_size=3))),
    )  # fmt: skip
    attempts = tuple(
        AttemptRecord(
            f"{id}A{n}", n + 1, draw(texts), draw(texts), draw(texts), draw(texts), draw(numbers), message.id, id,
            outcome="done", cost_nanousd=draw(st.none() | numbers), usage_source="reported",
        )
        for n, message in enumerate(messages[:2])
    )  # fmt: skip
    return ConversationBundle(
        conversation, tuple(messages), tuple(sorted(attempts, key=lambda a: (a.started_at, a.id)))
    )


async def exported(store: Store) -> str:
    async with aclosing(export_json(store, await store.transfer.ids())) as pieces:
        return "".join([piece async for piece in pieces])


@settings(max_examples=12)
@given(
    st.lists(st.integers(), min_size=1, max_size=3).flatmap(lambda ns: st.tuples(*(trees(n) for n in range(len(ns)))))
)
def test_import_export_import_is_the_identity(conversations: tuple[ConversationBundle, ...]) -> None:
    async def there_and_back() -> None:
        with tempfile.TemporaryDirectory() as folder:
            first, second = (Store.open(Path(folder) / name / "history.db") for name in "ab")
            file = Path(folder) / "export.json"
            file.write_text("".join(native_format.write(conversations)), encoding="utf-8")
            assert [native_format.from_json(native_format.to_json(carried)) for carried in conversations]
            report = await import_file(first, file)
            assert report.failed == []
            assert report.new == len(conversations)
            once = await exported(first)
            wanted = sorted(conversations, key=lambda c: (c.conversation.created_at, c.conversation.id))
            assert once == "".join(native_format.write(wanted))
            file.write_text(once, encoding="utf-8")
            await import_file(second, file)
            assert await exported(second) == once
            again = await import_file(second, file)
            assert (again.new, again.grown, again.known) == (0, 0, len(conversations))
            assert await exported(second) == once
            await first.close()
            await second.close()
            sound(second.path)

    asyncio.run(there_and_back())


def talk() -> ConversationBundle:
    evil = "<script>alert(1)</script> [x](javascript:alert(1)) ![i](http://spy.example/p.png) **bold** `code`"
    messages = (
        StoredMessage("M1", "C1", None, "user", (Text("Why?\n\nReally."),), "", "done", None, {}, 1000, 1000),
        StoredMessage(
            "M2", "C1", "M1", "assistant", (Reasoning("hm"), Text(evil)), "", "cut", "groq/l", {}, 2000, 2000
        ),
        StoredMessage("M3", "C1", "M1", "assistant", (Text("other"),), "", "done", "openai/g", {}, 3000, 3000),
    )
    attempts = tuple(
        AttemptRecord(f"A{n}", 1, "tui", "any", "p", "m", 5, f"M{n}", "C1", outcome="done", cost_nanousd=cost)
        for n, cost in ((2, 1_500_000), (3, None))
    )
    return ConversationBundle(
        Conversation("C1", 'Title "<b>"', None, 1000, 3000, "M2", tags=("work",)), messages, attempts
    )


async def test_markdown_reads_well_and_tells_models_and_cost(store: Store) -> None:
    await store.transfer.import_conversation(talk())
    text = await export_one(store, "C1", "md")
    assert text == await export_one(store, "C1", "md")
    head, _, rest = text.partition("\n---\n\n")
    assert 'title: "Title \\"<b>\\""' in head
    assert 'models: ["groq/l"]' in head
    assert "cost_usd: 0.0015" in head
    assert "## You\n\nWhy?\n\nReally.\n" in rest
    assert "## groq/l (cut)\n\n> hm\n" in rest
    assert "other" not in rest
    assert 'cost_usd: "?"' in await export_one(store, "C1", "md", leaf="M3")


async def test_html_runs_nothing_and_fetches_nothing(store: Store) -> None:
    await store.transfer.import_conversation(talk())
    text = await export_one(store, "C1", "html")

    class Look(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.tags: list[str] = []
            self.links: list[str | None] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.tags.append(tag)
            self.links += [value for name, value in attrs if name in ("src", "href") or name.startswith("on")]

    look = Look()
    look.feed(text)
    assert "script" not in look.tags
    assert "b" not in look.tags
    assert all(link and link.startswith(("http", "data:")) for link in look.links)
    assert "img" not in look.tags
    assert "<strong>bold</strong>" in text


@pytest.mark.parametrize("form", ["md", "html", "json"])
async def test_a_key_that_was_pasted_into_a_chat_does_not_leave_with_it(store: Store, form: Form) -> None:
    key = "sk-proj-AAAAbbbbCCCCddddEEEEffff0001"
    parts = (
        Text(f"why does {key} fail?"),
        ToolCall("1", "curl", f'{{"auth": "{key}"}}'),
        ToolResult("1", f"401 {key}"),
    )
    message = StoredMessage("M1", "C1", None, "user", parts, f"why does {key} fail?", "done", None, {}, 1000, 1000)
    await store.transfer.import_conversation(
        ConversationBundle(Conversation("C1", f"{key}?", None, 1000, 3000, "M1", system=key), (message,))
    )
    text = await export_one(store, "C1", form)
    assert key not in text
    assert "sk-****0001 fail?" in text
    assert key not in await exported(store)


async def test_a_branch_alone(store: Store) -> None:
    await store.transfer.import_conversation(talk())
    body = json.loads(await export_one(store, "C1", "json", leaf="M3"))
    assert [m["id"] for m in body["conversations"][0]["messages"]] == ["M1", "M3"]
    with pytest.raises(RoutertermError):
        await export_one(store, "C1", "json", leaf="nowhere")
    with pytest.raises(RoutertermError):
        await export_one(store, "nowhere", "md")


async def test_a_message_of_another_conversation_is_never_taken_over(store: Store, tmp_path: Path) -> None:
    await store.transfer.import_conversation(talk())
    thief = native_format.to_json(talk()) | {"id": "C2"}
    (tmp_path / "x.json").write_text(json.dumps({"format": "routerterm", "version": 1, "conversations": [thief]}))
    report = await import_file(store, tmp_path / "x.json")
    assert report.new == 0
    assert "another conversation" in report.failed[0]
    sound(store.path)


@pytest.mark.parametrize("listed", [3, "C", {"id": "C"}, None, True])
async def test_conversations_that_are_no_list_end_in_a_sentence(store: Store, tmp_path: Path, listed: object) -> None:
    body = [{"format": "routerterm", "version": 1, "conversations": listed}]
    (tmp_path / "x.json").write_text(json.dumps(body))
    with pytest.raises(BadArchive, match="not a list"):
        await import_file(store, tmp_path / "x.json")


@pytest.mark.parametrize(
    "change",
    [
        {"id": 7}, {"id": ""}, {"created_at": "x"}, {"created_at": 1e300}, {"created_at": True}, {"title": []},
        {"messages": 3}, {"messages": [{}]}, {"params": []}, {"tags": 4},
        {"messages": [{"id": "a", "role": "king", "created_at": 1}]},
        {"messages": [{"id": "a", "role": "user", "created_at": 1, "parent_id": "a"}]},
        {"messages": [{"id": "a", "role": "user", "created_at": 1, "parent_id": "none"}]},
        {"messages": [{"id": "a", "role": "user", "created_at": 1, "parts": [{"type": "image", "data": "!"}]}]},
        {"messages": [{"id": "a", "role": "user", "created_at": 1}] * 2},
        {"attempts": [{"id": "a"}]}, {"attempts": [{"id": {}, "n": 1}]},
    ],
)  # fmt: skip
def test_wrong_types_end_in_a_sentence(change: dict[str, object]) -> None:
    with pytest.raises(BadArchive) as caught:
        native_format.from_json({"id": "C", "created_at": 1, "updated_at": 2, "messages": []} | change)
    assert "malformed" in caught.value.message
