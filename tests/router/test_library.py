"""The router as a library: light, and six lines to an answer."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from contextlib import _AsyncGeneratorContextManager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from routerterm import ChatRequest, Message, Router
from routerterm.core.errors import NoKey, VaultError
from routerterm.core.events import AttemptFailed, Failed, Finished, Recovered
from routerterm.core.messages import Image
from routerterm.core.ports import ApiKey
from routerterm.core.request import Tool
from routerterm.core.targets import Target
from routerterm.protocols.base import HttpRequest
from routerterm.router.options import Limits, Route, RouterOptions
from routerterm.router.run.attempt import AttemptStream
from routerterm.router.transports.base import HttpResponse, Timeouts
from routerterm.router.transports.demo import MODELS, DemoTransport
from tests.router.faults.wall import run

HEAVY = ("textual", "sqlite3", "sqlite_utils", "keyring", "tiktoken", "httpx", "pydantic", "click", "xllamacpp")


def python(source: str) -> str:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.usefixtures("unmeasured")
def test_importing_the_router_loads_nothing_heavy() -> None:
    loaded = python("import routerterm.router, sys; print(*sorted({name.split('.')[0] for name in sys.modules}))")
    assert not set(HEAVY) & set(loaded.split())


def test_the_readmes_six_lines() -> None:
    readme = (Path(__file__).parents[2] / "docs" / "library.md").read_text()
    program = next(block for block in re.findall(r"```python\n(.*?)```", readme, re.DOTALL) if "Router" in block)
    body = program.partition("async def main():\n")[2].partition("\n\n")[0]
    assert len(body.splitlines()) == 6
    assert python(program) == "Hello, world"


def router(**options: object) -> Router:
    from routerterm.catalog import Catalog
    from routerterm.router.environment_keys import EnvironmentKeys

    catalog = Catalog.builtin()
    return Router(
        catalog,
        EnvironmentKeys(catalog.provider, {}),
        options=RouterOptions(**options),  # type: ignore[arg-type]
        transports={"demo": DemoTransport(0.0)},
    )


def request(model: str, text: str = "Hello") -> ChatRequest:
    return ChatRequest(model, (Message.of("user", text),))


@pytest.mark.parametrize("model", sorted(set(MODELS) - {"flaky", "cut", "down", "silent"}))
async def test_every_demo_model_answers_the_same_twice(model: str) -> None:
    first, events = await run(router(), request(f"demo/{model}"))
    second, _ = await run(router(), request(f"demo/{model}"))
    assert isinstance(events[-1], Finished)
    assert first == second != ""


async def test_demo_flaky_is_waited_out() -> None:
    text, events = await run(router(), request("demo/flaky"))
    assert text == "Hello"
    assert [type(event.error).__name__ for event in events if isinstance(event, AttemptFailed)] == ["RateLimited"]


async def test_demo_cut_goes_on_without_repeating() -> None:
    text, events = await run(router(), request("demo/cut"))
    assert any(isinstance(event, Recovered) and event.how == "continue" for event in events)
    from routerterm.router.transports.demo_texts import CUT

    assert text == CUT


async def test_demo_cut_is_whole_however_often_it_is_watched() -> None:
    """Half of its attempts fail, which opens its breaker; with nobody else there it goes on all the same."""
    from routerterm.router.transports.demo_texts import CUT

    routed = router(limits=Limits(backoff=0.01))
    for _ in range(8):
        text, events = await run(routed, request("demo/cut"))
        assert isinstance(events[-1], Finished)
        assert text == CUT


async def test_demo_down_fails_and_a_route_gets_around_it() -> None:
    _, events = await run(router(), request("demo/down"))
    assert isinstance(events[-1], Failed)
    text, events = await run(router(routes={"r": Route.of("r", "demo/down", "demo/echo")}), request("r"))
    assert text == "Hello"


async def test_demo_calls_a_tool() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
    asked = ChatRequest("demo/tools", (Message.of("user", "x"),), tools=(Tool("weather", "Tells it.", schema),))
    _, events = await run(router(), asked)
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "tool_calls"


async def test_without_a_key_it_says_which() -> None:
    _, events = await run(router(), request("smart"))
    assert isinstance(events[-1], Failed)
    assert isinstance(events[-1].error, NoKey)
    assert "openai" in events[-1].error.message
    assert events[-1].error.exit_code == 4


class LockedKeys:
    """A vault that holds keys of two providers and is locked; nobody else has one."""

    async def keys(self, provider: str) -> Sequence[ApiKey]:
        if provider in ("openai", "groq"):
            raise VaultError(
                "The encrypted vault is locked.", "Unlock it with its passphrase: `routerterm keys unlock`."
            )
        return ()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("any", "The keys of openai, groq cannot be read: the encrypted vault is locked."),
        ("smart", "The key of openai cannot be read: the encrypted vault is locked."),
        ("groq/x", "The key of groq cannot be read: the encrypted vault is locked."),
        ("cheap", "The key of groq cannot be read: the encrypted vault is locked."),
    ],
)
async def test_a_locked_vault_is_named(model: str, said: str) -> None:
    from routerterm.catalog import Catalog

    locked = Router(Catalog.builtin(), LockedKeys())
    _, events = await run(locked, request(model))
    assert isinstance(events[-1], Failed)
    error = events[-1].error
    assert (error.message, error.exit_code) == (said, 4)
    assert "routerterm keys unlock" in error.hint
    reasons = {item.reason for item in (await locked.explain(request(model))).passed_over}
    assert "The encrypted vault is locked" in reasons


async def test_a_locked_vault_is_no_matter_where_another_can_answer() -> None:
    from routerterm.catalog import Catalog

    options = RouterOptions(routes={"r": Route.of("r", "openai", "demo/echo")})
    routed = Router(Catalog.builtin(), LockedKeys(), options=options, transports={"demo": DemoTransport(0.0)})
    text, events = await run(routed, request("r"))
    assert text == "Hello"
    assert isinstance(events[-1], Finished)


async def test_a_silent_demonstration_is_left_as_soon_as_any_other() -> None:
    """It is local, but nothing has to be loaded: 12 s while another stands ready, not a minute."""
    patience: list[float] = []

    routed = router(routes={"r": Route.of("r", "demo/silent", "demo/echo")})
    opened = routed._wires.open_stream

    def noting(*given: Any) -> AttemptStream:
        opened_stream = opened(*given)
        patience.append(opened_stream._timeouts.first)
        opened_stream._timeouts = replace(opened_stream._timeouts, first=0.05)
        return opened_stream

    routed._wires.open_stream = noting  # type: ignore[method-assign, assignment]
    text, events = await run(routed, request("r"))
    assert text == "Hello"
    assert patience[0] == 12.0
    assert [type(event.error).__name__ for event in events if isinstance(event, AttemptFailed)] == ["ResponseTimeout"]


async def test_a_picture_never_goes_to_a_model_that_cannot_see() -> None:
    asked = ChatRequest("r", (Message("user", (Image("image/png", b"x"),)),))
    decision = await router(routes={"r": Route.of("r", "demo/code", "demo/echo")}).explain(asked)
    assert {str(item.target): item.reason for item in decision.passed_over} == {"demo/code": "no vision"}


async def test_explain_sends_nothing_and_agrees_with_what_is_done() -> None:
    routed = router(routes={"r": Route.of("r", "demo/markdown", "demo/echo")})
    decision = await routed.explain(request("r"))
    _, events = await run(routed, request("r"))
    assert getattr(events[0], "decision", None) == decision


async def test_avoid_and_forget() -> None:
    routed = router(routes={"r": Route.of("r", "demo/markdown", "demo/echo")})
    await routed.avoid(Target("demo", "markdown"))
    decision = await routed.explain(request("r"))
    assert [str(candidate.target) for candidate in decision.candidates] == ["demo/echo"]
    assert decision.passed_over[0].reason == "avoided by hand for 10 min"
    await routed.forget(Target("demo", "markdown"))
    assert len((await routed.explain(request("r"))).candidates) == 2


async def test_round_robin_takes_turns() -> None:
    routed = router(routes={"r": Route.of("r", "demo/markdown", "demo/echo", strategy="round-robin")})
    winners = [str((await run(routed, request("r")))[1][-1].target) for _ in range(4)]  # type: ignore[attr-defined]
    assert winners == ["demo/markdown", "demo/echo", "demo/markdown", "demo/echo"]


async def test_private_stays_on_this_machine() -> None:
    routed = router(routes={"r": Route.of("r", "openai/gpt-x", "demo/echo")})
    decision = await routed.explain(ChatRequest("r", (Message.of("user", "x"),), private=True))
    assert [str(candidate.target) for candidate in decision.candidates] == ["demo/echo"]


async def test_listed_models() -> None:
    assert "echo" in [model.id for model in await router().listed("demo")]


async def test_an_unknown_name_is_one_failed() -> None:
    text, events = await run(router(), request("smrt"))
    assert (text, len(events)) == ("", 1)
    assert isinstance(events[0], Failed)


async def test_a_redaction_is_undone_across_pieces() -> None:
    """Placeholders go out and never come back, however the answer is cut."""
    from routerterm.catalog import Catalog
    from routerterm.router import RouterPorts
    from routerterm.router.environment_keys import EnvironmentKeys
    from routerterm.router.guard.guard import PersonalGuard
    from routerterm.router.guard.rules import GuardRules

    sent: list[bytes] = []

    class Spy(DemoTransport):
        def exchange(self, request: HttpRequest, waits: Timeouts) -> _AsyncGeneratorContextManager[HttpResponse]:
            sent.append(request.body)
            return super().exchange(request, waits)

    catalog = Catalog.builtin()
    made = Router(
        catalog,
        EnvironmentKeys(catalog.provider, {}),
        ports=RouterPorts(guard=PersonalGuard(GuardRules(detectors={"email": "redact"}))),
        transports={"demo": Spy(0.0)},
    )
    text, events = await run(made, request("demo/echo", "Write to ada@example.org now"))
    assert isinstance(events[-1], Finished)
    assert text == "Write to ada@example.org now"
    assert b"ada@example.org" not in sent[0]
