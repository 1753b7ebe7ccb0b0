"""A server asks the person for a few values while its tool runs: in both eras, and never answered by anybody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.config.schema_tools import McpSettings
from routerterm.core.errors import GuardBlocked
from routerterm.engine.tools.connection import MOST_FORMS, Fill
from routerterm.protocols.mcp import McpForm, McpInvalid
from routerterm.protocols.mcp.elicitation import MAX_FIELDS, form_of
from tests.engine.tools.boxes import box, old, real
from tests.engine.tools.test_npm_servers import ENVIRON, server

ANN = {"name": "Ann", "age": 7}


def person(content: Mapping[str, Any] | None, seen: list[McpForm], wait: float = 0.0) -> Fill:
    async def fill(form: McpForm) -> Mapping[str, Any] | None:
        seen.append(form)
        await asyncio.sleep(wait)
        return content

    return fill


async def answered(folder: Path, settings: McpSettings, tool: str, fill: Fill | None) -> str:
    async with aclosing(box(folder, environ=ENVIRON, it=settings)) as tools:
        offered = {each.own_name: each for each in await tools.offers()}
        return (await tools.call(offered[tool], {}, fill)).text


@pytest.mark.parametrize(
    ("content", "says"), [(ANN, "Hello Ann, 7"), (None, "Nobody: decline"), ("nobody", "Nobody: cancel")]
)
async def test_a_real_server_of_the_new_era_gets_what_the_person_says(tmp_path: Path, content: Any, says: str) -> None:
    seen: list[McpForm] = []
    fill = None if content == "nobody" else person(content, seen)
    assert await answered(tmp_path, real(timeout=60.0), "greet", fill) == says
    assert [form.message for form in seen] == ([] if fill is None else ["Who are you?"])
    if seen:
        assert [(f.name, f.kind, f.required, f.default) for f in seen[0].fields] == [
            ("name", "text", True, ""),
            ("age", "integer", False, "42"),
        ]


@pytest.mark.npm
async def test_a_server_from_npm_asks_for_every_kind_of_value(tmp_path: Path) -> None:
    seen: list[McpForm] = []

    async def fill(form: McpForm) -> Mapping[str, Any]:
        seen.append(form)
        return form.content({field.name: field.default for field in form.fields} | {"name": "Ann", "check": "yes"})

    said = await answered(tmp_path, server("everything", "stdio"), "trigger-elicitation-request", fill)
    assert "Ann" in said
    assert '"check": true' in said
    assert "hero-1" in said
    kinds = {field.name: (field.kind, tuple(field.choices.values())) for field in seen[0].fields}
    assert kinds["titledSingleSelectEnum"] == ("text", ("Superman", "Green Lantern", "Wonder Woman"))
    assert kinds["titledMultipleSelectEnum"][0] == "several"
    assert kinds["number"] == ("number", ())


async def test_a_person_may_take_longer_than_the_server_has_and_the_guard_may_say_no(tmp_path: Path) -> None:
    async def blocked(form: McpForm) -> Mapping[str, Any]:
        raise GuardBlocked("The guard rule 'x' blocks this.")

    slow = person({"name": "Ann"}, [], wait=1.5)
    async with aclosing(box(tmp_path, it=old("asks", timeout=60.0))) as tools:
        (tool,) = await tools.offers()
        tools._servers["it"]._timeout = 1.0
        assert json.loads((await tools.call(tool, {}, slow)).text) == {"action": "accept", "content": {"name": "Ann"}}
        tools._servers["it"]._timeout = 60.0
        assert json.loads((await tools.call(tool, {}, blocked)).text) == {"action": "decline"}
        assert json.loads((await tools.call(tool, {})).text) == {"action": "cancel"}


async def test_a_server_that_asks_on_and_on_is_told_no(tmp_path: Path) -> None:
    seen: list[McpForm] = []
    said = json.loads(await answered(tmp_path, old("pries", timeout=60.0), "note", person(ANN, seen)))
    assert [each["action"] for each in said] == ["accept"] * MOST_FORMS + ["cancel"] * (20 - MOST_FORMS)
    assert len(seen) == MOST_FORMS


async def test_a_call_that_is_stopped_takes_its_form_away(tmp_path: Path) -> None:
    gone = asyncio.Event()

    async def fill(form: McpForm) -> Mapping[str, Any] | None:
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        return None

    async with aclosing(box(tmp_path, it=old("asks", timeout=60.0))) as tools:
        (tool,) = await tools.offers()
        call = asyncio.create_task(tools.call(tool, {}, fill))
        await asyncio.sleep(0.5)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(gone.wait(), 60)


async def test_a_form_that_breaks_ends_its_call(tmp_path: Path) -> None:
    async def fill(form: McpForm) -> Mapping[str, Any] | None:
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "typed so")

    async with asyncio.timeout(60):
        with pytest.raises(UnicodeDecodeError):
            await answered(tmp_path, old("asks", timeout=600.0), "note", fill)


def schema(**properties: Any) -> dict[str, Any]:
    return {"message": "?", "requestedSchema": {"type": "object", "properties": properties}}


@pytest.mark.parametrize(
    "params",
    [
        {},
        schema(),
        schema(a={"type": "object"}),
        schema(a={"type": "array"}),
        schema(a={"type": "array", "items": {"enum": [str(n) for n in range(100)]}}),
        schema(**{str(n): {"type": "string"} for n in range(MAX_FIELDS + 1)}),
        {"mode": "url", "url": "https://evil.example", "message": "Open this", "elicitationId": "1"},
        schema(a=7),
    ],
)
def test_forms_that_cannot_be_shown_whole_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(McpInvalid):
        form_of(params)


@pytest.mark.parametrize(
    ("part", "written", "value"),
    [
        ({"type": "integer"}, " 7 ", 7),
        ({"type": "integer"}, "7.5", "write a whole number"),
        ({"type": "integer"}, "9" * 5000, "write a whole number"),
        ({"type": "number"}, "1e400", "write a number"),
        ({"type": "number"}, "nan", "write a number"),
        ({"type": "number"}, "2.5", 2.5),
        ({"type": "boolean"}, "Yes", True),
        ({"type": "boolean"}, "perhaps", "write yes or no"),
        ({"type": "string", "enum": ["c"], "enumNames": ["Cat"]}, "cat", "c"),
        ({"type": "string", "enum": ["c"]}, "dog", "write one of c"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, "b, a", ["b", "a"]),
        ({"type": "string"}, "x" * 20_000, "too long"),
    ],
)
def test_what_is_written_is_what_the_server_takes(part: dict[str, Any], written: str, value: Any) -> None:
    form = form_of(schema(a=part))
    if isinstance(value, str) and " " in value:
        with pytest.raises(McpInvalid, match=value):
            form.content({"a": written})
    else:
        assert form.content({"a": written}) == {"a": value}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["type", "enum", "items", "a"]), inner),
)


@given(JSON, st.text())
def test_no_schema_gives_anything_but_a_form_or_our_error(properties: Any, written: str) -> None:
    try:
        form = form_of({"message": written, "requestedSchema": {"properties": properties, "required": properties}})
        content = form.content({field.name: written for field in form.fields})
    except McpInvalid:
        return
    json.dumps(content, allow_nan=False)
