"""The sheet of what leaves: it is the request, to the byte, and the lines are what stands in it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.config.paths import Paths
from routerterm.core.errors import GuardBlocked, OverBudget
from routerterm.core.messages import Image, Message, Text
from routerterm.core.request import Params
from routerterm.engine.chat.context import NOT_SENT
from routerterm.engine.chat.leaves import Sheet, shares
from routerterm.engine.chat.session import Session
from routerterm.protocols.evidence import Evidence
from routerterm.wiring import Services, open_app
from routerterm.wiring.leaves import what_leaves
from tests.driver.homes import PRICED, configure, priced
from tests.driver.provider import Provider, serving

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PROTOCOLS = ("openai-chat", "openai-responses", "anthropic-messages", "gemini", "ollama-chat", "cohere-v2", "mistral")
SECRET = "ada@example.com"
QUESTION = Message(
    "user",
    (
        Text(f"Write to {SECRET}, please."),
        Text("def f(): pass\n", name="f.py"),
        Image("image/png", PIXEL, name="dot.png"),
    ),
)


@asynccontextmanager
async def home(
    tmp_path: Path, provider: Provider, more: str = "", protocol: str = "openai-chat"
) -> AsyncIterator[Services]:
    paths = Paths.find({"ROUTERTERM_HOME": str(tmp_path)})
    settings = (
        priced(provider).replace('"openai-chat"', f'"{protocol}"').replace("context =", "vision = true\ncontext =")
    )
    configure(paths, f"{settings}{more}\n", default=PRICED)
    async with open_app(paths, {"ROUTERTERM_HOME": str(tmp_path)}) as services:
        yield services


async def look(services: Services, session: Session, message: Message | None = QUESTION, **more: str) -> Sheet:
    return await what_leaves(services, session, message, PRICED, params=Params(max_output=300), **more)


async def send(session: Session, message: Message = QUESTION) -> None:
    async with aclosing(session.send("", parts=message.parts, model=PRICED, params=Params(max_output=300))) as events:
        async for _ in events:
            pass


GUARD = '[guard.detectors]\nemail = "redact"\n'


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_the_sheet_is_the_request_that_the_provider_receives_to_the_byte(tmp_path: Path, protocol: str) -> None:
    with serving() as provider:
        async with home(tmp_path, provider, GUARD + '[tools]\nstart = "on"\n', protocol) as services:
            session = services.session(system="Be brief.")
            for question in (Message.of("user", "First."), QUESTION):
                sheet = await look(services, session, question)
                before = len(provider.bodies)
                await send(session, question)
                assert sheet.body == provider.bodies[before]
            assert SECRET.encode() not in sheet.body
            assert [line.kind for line in sheet.lines if line.kind == "tool"] == ["tool"]
            evidence = Evidence(sheet.body)
            said = [line.text for line in sheet.lines if line.is_sent and line.kind not in ("image", "tool")]
            assert all(map(evidence.has, said))
            assert sheet.redacted == {"[EMAIL_1]": SECRET}


async def test_every_word_of_the_prompt_stands_on_some_line(tmp_path: Path) -> None:
    with serving() as provider:
        async with home(tmp_path, provider, GUARD) as services:
            session = services.session(system="Be brief.")
            await send(session, Message.of("user", "First."))
            sheet = await look(services, session)
    assert [(line.kind, line.who, line.state) for line in sheet.lines] == [
        ("system", "system", "sent"),
        ("message", "you", "sent"),
        ("message", "answer", "sent"),
        ("message", "you", "sent"),
        ("file", "file f.py", "sent"),
        ("image", "image", "sent"),
    ]
    body = json.loads(sheet.body)
    prose = [part["text"] for message in body["messages"] for part in
             ([{"text": message["content"]}] if isinstance(message["content"], str) else message["content"])
             if "text" in part]  # fmt: skip
    shown = "\n".join(line.text for line in sheet.lines)
    assert all(words.strip() in shown for words in prose)
    assert sheet.settings[0] == f"model {PRICED.partition('/')[2]}"
    assert "max_tokens 300" in sheet.settings
    assert sheet.host.startswith("127.0.0.1:")


async def test_tokens_and_prices_of_the_lines_add_up_to_what_the_router_counts(tmp_path: Path) -> None:
    with serving() as provider:
        async with home(tmp_path, provider) as services:
            session = services.session(system="Be brief.")
            sheet = await look(services, session)
    assert sheet.forecast is not None
    assert sheet.tokens == sheet.forecast.prompt_tokens > 0
    assert sheet.usd == sheet.tokens * services.catalog.model(sheet.target).prices.input  # type: ignore[union-attr, operator]


async def test_what_is_held_back_is_a_line_that_does_not_leave(tmp_path: Path) -> None:
    with serving() as provider:
        async with home(tmp_path, provider) as services:
            session = services.session()
            await send(session, Message.of("user", "A long forgotten matter."))
            first = (await session.page()).messages[0]
            whole = await look(services, session)
            await services.store.messages.note(first.id, NOT_SENT, "left out")
            less = await look(services, session)
            await send(session)
            assert b"forgotten" not in provider.bodies[-1] == less.body
    held = next(line for line in less.lines if line.id == first.id)
    assert (held.state, held.tokens) == ("left out", 0)
    assert less.tokens < whole.tokens


async def test_looking_writes_nothing_and_tells_nobody(tmp_path: Path) -> None:
    with serving() as provider:
        async with home(tmp_path, provider, GUARD) as services:
            session = services.session()
            await look(services, session)
            assert (provider.bodies, list(services.costs.hits), services.costs.unwritten) == ([], [], [])
            assert await services.store.conversations.latest() is None
            await send(session)
            assert len(services.costs.hits) == 1


async def test_what_would_not_be_sent_is_refused_here_too(tmp_path: Path) -> None:
    rule = '[[guard.rules]]\nname = "codename"\naction = "block"\nregex = "Moonbase"\n[budget]\nrequest = 0.000001\n'
    with serving() as provider:
        async with home(tmp_path, provider, rule) as services:
            session = services.session()
            with pytest.raises(GuardBlocked, match="codename"):
                await look(services, session, Message.of("user", "Moonbase"))
            with pytest.raises(OverBudget):
                await look(services, session)


async def test_a_budget_that_shortens_the_answer_is_seen_in_the_bytes(tmp_path: Path) -> None:
    with serving() as provider:
        async with home(tmp_path, provider, "[budget]\nday = 0.06\n") as services:
            session = services.session()
            sheet = await what_leaves(services, session, QUESTION, PRICED, params=Params())
            async with aclosing(session.send("", parts=QUESTION.parts, model=PRICED)) as events:
                async for _ in events:
                    pass
            assert sheet.body == provider.bodies[0]
            assert 0 < json.loads(sheet.body)["max_tokens"] < 8000
            assert "limited to" in sheet.why


def test_what_nobody_said_is_found_in_the_body() -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "Hello.\n\nAnswer in JSON."}], "seed": 7}).encode()
    evidence = Evidence(body)
    assert evidence.added(["Hello."]) == ("Answer in JSON.",)
    assert evidence.settings == {"seed": 7}
    assert not evidence.has("Goodbye.")


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**4), max_size=40))
def test_shares_add_up(total: int, weights: list[int]) -> None:
    found = shares(total, weights)
    assert sum(found) == (total if sum(weights) else 0)
    assert all(share >= 0 for share in found)
    assert all(share == 0 for share, weight in zip(found, weights, strict=True) if not weight)
