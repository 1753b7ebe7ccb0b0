"""The clients that people use, unchanged: the official SDKs of OpenAI and Anthropic, and Simon Willison's `llm`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.gateway.conftest import Place
from tests.gateway.upstream import Talk

pytestmark = pytest.mark.sdk

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
MODEL = "one/first"


async def calls_a_tool(talk: Talk) -> None:
    await talk.head()
    await talk.text("Let me see. ")
    function = {"name": "weather", "arguments": ""}
    await talk.event({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]})
    for piece in ('{"city"', ': "Oslo"}'):
        await talk.event({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    await talk.end("tool_calls")


async def dies(talk: Talk) -> None:
    await talk.head()
    await talk.text("The beginning ", "of an answer")


async def refuses(talk: Talk) -> None:
    await talk.fails(400, "temperature must be below 2")


class TestOpenAI:
    @pytest.fixture
    async def client(self, place: Place):  # type: ignore[no-untyped-def]
        import openai

        async with openai.AsyncOpenAI(base_url=place.url + "/v1", api_key="none", max_retries=0) as client:
            yield client

    async def test_chat_whole(self, place: Place, client) -> None:  # type: ignore[no-untyped-def]
        place.up.says("first", "Hel", "lo")
        answer = await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
        assert answer.choices[0].message.content == "Hello"
        assert answer.choices[0].finish_reason == "stop"
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (10, 5)

    async def test_chat_stream_with_usage(self, place: Place, client) -> None:  # type: ignore[no-untyped-def]
        place.up.says("first", "Hel", "lo")
        pieces, usage = [], None
        stream = await client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Hi"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        async for chunk in stream:
            usage = chunk.usage or usage
            pieces += [choice.delta.content or "" for choice in chunk.choices]
        assert "".join(pieces) == "Hello"
        assert usage is not None
        assert usage.total_tokens == 15

    async def test_chat_tools_there_and_back(self, place: Place, client) -> None:  # type: ignore[no-untyped-def]
        place.up.model("first")(calls_a_tool)
        tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
        messages = [{"role": "user", "content": "Weather?"}]
        async with client.chat.completions.stream(model=MODEL, messages=messages, tools=tools) as stream:
            answer = await stream.get_final_completion()
        (call,) = answer.choices[0].message.tool_calls
        assert (call.id, call.function.name, call.function.arguments) == ("call_1", "weather", '{"city": "Oslo"}')
        place.up.says("first", "It rains.")
        messages += [
            answer.choices[0].message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": "rain"},
        ]
        again = await client.chat.completions.create(model=MODEL, messages=messages, tools=tools)
        assert again.choices[0].message.content == "It rains."
        assert [message["role"] for message in place.up.asked[-1]["messages"]] == ["user", "assistant", "tool"]

    async def test_chat_picture(self, place: Place, client) -> None:  # type: ignore[no-untyped-def]
        place.up.says("first", "Red.")
        address = f"data:image/png;base64,{PICTURE}"
        content = [{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": address}}]
        await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}])
        sent = place.up.asked[-1]["messages"][-1]["content"]
        assert any(part.get("image_url", {}).get("url") == address for part in sent)

    async def test_chat_errors(self, place: Place, client) -> None:  # type: ignore[no-untyped-def]
        import openai

        place.up.model("first")(refuses)
        hello = [{"role": "user", "content": "Hi"}]
        with pytest.raises(openai.BadRequestError, match="temperature"):
            await client.chat.completions.create(model=MODEL, messages=hello)
        with pytest.raises(openai.NotFoundError):
            await client.chat.completions.create(model="nobody", messages=hello)
        place.up.model("first")(dies)
        with pytest.raises(openai.APIError):
            async for _ in await client.chat.completions.create(model=MODEL, messages=hello, stream=True):
                pass

    async def test_responses(self, place: Place, client) -> None:  # type: ignore[no-untyped-def]
        place.up.says("first", "Hel", "lo")
        answer = await client.responses.create(model=MODEL, input="Hi", instructions="Be brief.")
        assert answer.output_text == "Hello"
        assert answer.status == "completed"
        assert answer.usage.total_tokens == 15
        async with client.responses.stream(model=MODEL, input="Hi") as stream:
            pieces = [event.delta async for event in stream if event.type == "response.output_text.delta"]
            final = await stream.get_final_response()
        assert "".join(pieces) == final.output_text == "Hello"

    async def test_responses_tools_and_pictures(self, place: Place, client) -> None:  # type: ignore[no-untyped-def]
        place.up.model("first")(calls_a_tool)
        tools = [{"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}]
        picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PICTURE}", "detail": "auto"}
        asked = [{"role": "user", "content": [{"type": "input_text", "text": "?"}, picture]}]
        answer = await client.responses.create(model=MODEL, input=asked, tools=tools)
        (call,) = [item for item in answer.output if item.type == "function_call"]
        assert (call.name, call.arguments) == ("weather", '{"city": "Oslo"}')
        assert "image_url" in str(place.up.asked[-1]["messages"])

    async def test_responses_that_die(self, place: Place, client) -> None:  # type: ignore[no-untyped-def]
        place.up.model("first")(dies)
        kinds = [event.type async for event in await client.responses.create(model=MODEL, input="Hi", stream=True)]
        assert kinds[-1] == "response.failed"
        assert "response.completed" not in kinds

    async def test_models(self, place: Place, client) -> None:  # type: ignore[no-untyped-def]
        names = [model.id async for model in client.models.list()]
        assert "pair" in names
        assert (await client.models.retrieve("one/first")).id == "one/first"


class TestAnthropic:
    @pytest.fixture
    async def client(self, place: Place):  # type: ignore[no-untyped-def]
        import anthropic

        async with anthropic.AsyncAnthropic(base_url=place.url, api_key="none", max_retries=0) as client:
            yield client

    async def test_whole_and_stream(self, place: Place, client) -> None:  # type: ignore[no-untyped-def]
        place.up.says("first", "Hel", "lo")
        hello = [{"role": "user", "content": "Hi"}]
        answer = await client.messages.create(model=MODEL, max_tokens=50, messages=hello, system="Be brief.")
        assert answer.content[0].text == "Hello"
        assert (answer.stop_reason, answer.usage.input_tokens, answer.usage.output_tokens) == ("end_turn", 10, 5)
        async with client.messages.stream(model=MODEL, max_tokens=50, messages=hello) as stream:
            text = "".join([piece async for piece in stream.text_stream])
            final = await stream.get_final_message()
        assert text == final.content[0].text == "Hello"
        assert final.usage.output_tokens == 5

    async def test_tools_there_and_back(self, place: Place, client) -> None:  # type: ignore[no-untyped-def]
        place.up.model("first")(calls_a_tool)
        tools = [{"name": "weather", "description": "", "input_schema": {"type": "object", "properties": {}}}]
        messages = [{"role": "user", "content": "Weather?"}]
        async with client.messages.stream(model=MODEL, max_tokens=50, messages=messages, tools=tools) as stream:
            answer = await stream.get_final_message()
        (call,) = [block for block in answer.content if block.type == "tool_use"]
        assert (call.name, call.input, answer.stop_reason) == ("weather", {"city": "Oslo"}, "tool_use")
        place.up.says("first", "It rains.")
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "rain"}
        said = [
            block.model_dump(exclude_none=True, include={"type", "text", "id", "name", "input"})
            for block in answer.content
        ]
        messages += [{"role": "assistant", "content": said}, {"role": "user", "content": [result]}]
        again = await client.messages.create(model=MODEL, max_tokens=50, messages=messages, tools=tools)
        assert again.content[0].text == "It rains."
        assert [message["role"] for message in place.up.asked[-1]["messages"]] == ["user", "assistant", "tool"]

    async def test_picture_and_count(self, place: Place, client) -> None:  # type: ignore[no-untyped-def]
        place.up.says("first", "Red.")
        source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
        content = [{"type": "text", "text": "?"}, {"type": "image", "source": source}]
        messages = [{"role": "user", "content": content}]
        await client.messages.create(model=MODEL, max_tokens=50, messages=messages)
        assert "image_url" in str(place.up.asked[-1]["messages"])
        counted = await client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "Hi there"}])
        assert 0 < counted.input_tokens < 50

    async def test_errors(self, place: Place, client) -> None:  # type: ignore[no-untyped-def]
        import anthropic

        place.up.model("first")(refuses)
        hello = [{"role": "user", "content": "Hi"}]
        with pytest.raises(anthropic.BadRequestError, match="temperature"):
            await client.messages.create(model=MODEL, max_tokens=50, messages=hello)
        with pytest.raises(anthropic.NotFoundError):
            await client.messages.create(model="nobody", max_tokens=50, messages=hello)
        place.up.model("first")(dies)
        with pytest.raises(anthropic.APIError):
            async with client.messages.stream(model=MODEL, max_tokens=50, messages=hello) as stream:
                await stream.get_final_message()

    async def test_models(self, place: Place, client) -> None:  # type: ignore[no-untyped-def]
        assert "pair" in [model.id async for model in client.models.list()]


class TestLlm:
    """The `llm` command with a model of its own configuration file, as its manual tells."""

    @pytest.fixture
    def user_path(self, place: Place, tmp_path: Path) -> Path:
        folder = tmp_path / "llm"
        folder.mkdir()
        lines = ["- model_id: mine", f"  model_name: {MODEL}", f"  api_base: {place.url}/v1", "  vision: true"]
        lines += ["  supports_tools: true"]
        (folder / "extra-openai-models.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return folder

    async def run(self, user_path: Path, *arguments: str) -> tuple[int, str, str]:
        env = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        env |= {"LLM_USER_PATH": str(user_path), "OPENAI_API_KEY": "none"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "llm", *arguments, env=env,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    @pytest.mark.parametrize("more", [(), ("--no-stream",)], ids=["stream", "whole"])
    async def test_a_prompt(self, place: Place, user_path: Path, more: tuple[str, ...]) -> None:
        place.up.says("first", "Hel", "lo")
        code, out, err = await self.run(user_path, "-m", "mine", "Hi", *more)
        assert (code, out.strip()) == (0, "Hello"), err

    async def test_a_tool(self, place: Place, user_path: Path) -> None:
        @place.up.model("first")
        async def once(talk: Talk) -> None:
            if talk.body["messages"][-1]["role"] == "tool":
                await talk.head()
                await talk.text("It says " + talk.body["messages"][-1]["content"])
                await talk.end()
                return
            await talk.head()
            function = {"name": "double", "arguments": '{"n": 21}'}
            await talk.event({"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": function}]})
            await talk.end("tool_calls")

        source = "def double(n: int) -> str:\n    return str(n * 2)\n"
        code, out, err = await self.run(user_path, "-m", "mine", "--functions", source, "Hi")
        assert (code, out.strip()) == (0, "It says 42"), err

    async def test_a_picture(self, place: Place, user_path: Path, tmp_path: Path) -> None:
        import base64

        place.up.says("first", "Red.")
        picture = tmp_path / "dot.png"
        picture.write_bytes(base64.b64decode(PICTURE))
        code, out, err = await self.run(user_path, "-m", "mine", "-a", str(picture), "What?")
        assert (code, out.strip()) == (0, "Red."), err
        assert "image_url" in str(place.up.asked[-1]["messages"])

    async def test_an_error(self, place: Place, user_path: Path) -> None:
        place.up.model("first")(refuses)
        code, _, err = await self.run(user_path, "-m", "mine", "Hi")
        assert code == 1
        assert "temperature" in err
