"""What frameworks and programs on top of the SDKs do against a gateway: `framework_clients.py CLIENT URL KEY MODEL`."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from client_parts import BROKEN, HI, KEY, MODEL, SCHEMA, SHAPE, URL, chat_loop, fails, part, run


def pydantic_ai() -> None:
    """pydantic-ai over Chat Completions."""
    from pydantic import BaseModel
    from pydantic_ai import Agent
    from pydantic_ai.exceptions import ModelHTTPError
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    def agent(name: str = MODEL, **more: Any) -> Any:
        return Agent(OpenAIChatModel(name, provider=OpenAIProvider(base_url=f"{URL}/v1", api_key=KEY)), **more)

    class N(BaseModel):
        n: int

    def add(a: int, b: int) -> str:
        """Add two numbers."""
        return str(a + b)

    from pydantic_ai import NativeOutput

    async def streamed() -> bool:
        async with agent().run_stream("Hi") as result:
            return "".join([piece async for piece in result.stream_text(delta=True)]) == "Hello"

    part("text", lambda: agent().run_sync("Hi").output == "Hello")
    part("stream", lambda: asyncio.run(streamed()))
    part("tools", lambda: agent(tools=[add]).run_sync("Hi").output == "The results are 5 and 2")
    part("json", lambda: agent(output_type=NativeOutput(N)).run_sync("Hi").output.n == 5)
    part("error", lambda: fails(ModelHTTPError, lambda: agent(BROKEN).run_sync("Hi")))


def litellm() -> None:
    """litellm over Chat Completions."""
    import litellm as sdk

    more: Any = {"api_base": f"{URL}/v1", "api_key": KEY, "num_retries": 0}
    name = f"openai/{MODEL}"
    ask = partial(sdk.completion, model=name, **more)
    part("tools", lambda: chat_loop(ask))
    part("json", lambda: json.loads(ask(messages=HI, response_format=SHAPE).choices[0].message.content) == {"n": 5})
    part("text", lambda: sdk.completion(model=name, messages=HI, **more).choices[0].message.content == "Hello")
    part(
        "stream",
        lambda: (
            "".join(
                c.choices[0].delta.content or "" for c in sdk.completion(model=name, messages=HI, stream=True, **more)
            )
            == "Hello"
        ),
    )
    part(
        "error",
        lambda: fails(sdk.BadRequestError, lambda: sdk.completion(model=f"openai/{BROKEN}", messages=HI, **more)),
    )


def langchain() -> None:
    """langchain over Chat Completions."""
    import openai
    from langchain_openai import ChatOpenAI

    langchain_parts(lambda name: ChatOpenAI(model=name, base_url=f"{URL}/v1", api_key=KEY, max_retries=0))
    broken = ChatOpenAI(model=BROKEN, base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
    part("error", lambda: fails(openai.BadRequestError, lambda: broken.invoke("Hi")))


def langchain_anthropic() -> None:
    """langchain over Messages."""
    import anthropic as sdk
    from langchain_anthropic import ChatAnthropic

    def model(name: str) -> Any:
        return ChatAnthropic(model=name, base_url=URL, api_key=KEY, max_retries=0, max_tokens=99)

    langchain_parts(model)
    part("error", lambda: fails(sdk.BadRequestError, lambda: model(BROKEN).invoke("Hi")))


def langchain_parts(made: Any) -> None:
    """What langchain does with any model."""
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_core.tools import tool

    @tool
    def add(a: int, b: int) -> str:
        """Add two numbers."""
        return str(a + b)

    def loop() -> bool:
        able = made(MODEL).bind_tools([add])
        turns: list[Any] = [HumanMessage("Hi")]
        first = able.invoke(turns)
        results = [ToolMessage(add.invoke(call["args"]), tool_call_id=call["id"]) for call in first.tool_calls]
        last = able.invoke([*turns, first, *results])
        return len(results) == 2 and last.text == "The results are 5 and 2"

    def model() -> Any:
        return made(MODEL)

    part("tools", loop)
    part("text", lambda: model().invoke("Hi").content == "Hello")
    part("stream", lambda: "".join(chunk.content for chunk in model().stream("Hi")) == "Hello")
    shape = SCHEMA | {"title": "n", "description": "A number."}
    part("json", lambda: model().with_structured_output(shape, method="json_schema").invoke("Hi") == {"n": 5})


def instructor() -> None:
    """instructor over Chat Completions: an answer as an object, by tools and by a schema, whole and as it grows."""
    from collections.abc import Iterable

    import instructor as sdk
    import openai
    from pydantic import BaseModel

    class Add(BaseModel):
        a: int
        b: int

    class N(BaseModel):
        n: int

    def client(mode: Any) -> Any:
        return sdk.from_openai(openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0), mode=mode)

    def asks(mode: Any, name: str = MODEL, shape: Any = N) -> Any:
        ask = client(mode).chat.completions.create
        return ask(model=name, messages=HI, response_model=shape, max_retries=0)

    def grows() -> bool:
        ask = client(sdk.Mode.JSON_SCHEMA).chat.completions.create_partial
        return bool([*ask(model=MODEL, messages=HI, response_model=N)][-1].n == 5)

    def side_by_side() -> bool:
        calls = [*asks(sdk.Mode.PARALLEL_TOOLS, shape=Iterable[Add])]
        return [(call.a, call.b) for call in calls] == [(2, 3), (1, 1)]

    part("stream", grows)
    part("tools", side_by_side)
    part("json", lambda: asks(sdk.Mode.JSON_SCHEMA).n == 5)
    part("error", lambda: fails(Exception, lambda: asks(sdk.Mode.JSON_SCHEMA, BROKEN)))


def openai_agents() -> None:
    """OpenAI's agents over Responses and over Chat Completions."""
    import openai
    from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool
    from agents import set_tracing_disabled as quiet
    from pydantic import BaseModel

    quiet(disabled=True)

    def made(kind: Any, name: str = MODEL) -> Any:  # each with connections of its own: each runs in a loop of its own
        return kind(model=name, openai_client=openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0))

    @function_tool
    def add(a: int, b: int) -> str:
        """Add two numbers."""
        return str(a + b)

    def runs(kind: Any, name: str = MODEL, **more: Any) -> str:
        return str(Runner.run_sync(Agent(name="x", model=made(kind, name), **more), "Hi").final_output)

    class N(BaseModel):
        n: int

    async def streams(kind: Any) -> str:
        running = Runner.run_streamed(Agent(name="x", model=made(kind)), "Hi")
        kinds = [event.type async for event in running.stream_events()]
        return str(running.final_output) if "raw_response_event" in kinds else ""

    def shaped(kind: Any) -> Any:
        return Runner.run_sync(Agent(name="x", model=made(kind), output_type=N), "Hi").final_output

    both = (OpenAIResponsesModel, OpenAIChatCompletionsModel)
    part("text", lambda: all(runs(kind) == "Hello" for kind in both))
    part("stream", lambda: all(asyncio.run(streams(kind)) == "Hello" for kind in both))
    part("json", lambda: all(shaped(kind).n == 5 for kind in both))
    part("tools", lambda: all(runs(kind, tools=[add]) == "The results are 5 and 2" for kind in both))
    part("error", lambda: all(fails(openai.BadRequestError, lambda kind=kind: runs(kind, BROKEN)) for kind in both))


def llm() -> None:
    """Simon Willison's `llm`, a program."""
    row = {"api_base": f"{URL}/v1", "supports_tools": True, "supports_schema": True}
    rows = [row | {"model_id": name, "model_name": model} for name, model in (("rt", MODEL), ("broken", BROKEN))]
    llm_parts("rt", "broken", rows, {}, ("--key", KEY))


def llm_ollama() -> None:
    """`llm` with its plugin for Ollama, a front end that lists and describes the models first."""
    llm_parts(f"ollama/{MODEL}", f"ollama/{BROKEN}", [], {"OLLAMA_HOST": URL, "OLLAMA_API_KEY": KEY}, ())


def llm_parts(
    model: str, broken: str, rows: list[dict[str, Any]], more: Mapping[str, str], options: tuple[str, ...]
) -> None:
    """What `llm` does with any model."""
    folder = Path(tempfile.mkdtemp())
    (folder / "extra-openai-models.yaml").write_text(json.dumps(rows), encoding="utf-8")
    environ = os.environ | {"LLM_USER_PATH": str(folder)} | more
    program = Path(sys.executable).with_name("llm")

    def says(*words: str) -> str:
        command = [program, "-m", *words, "Hi", *options]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        return (done.stdout + done.stderr).strip()

    function = "def add(a: int, b: int) -> int:\n    return a + b\n"
    part("text", lambda: says(model, "--no-stream") == "Hello")
    part("stream", lambda: says(model) == "Hello")
    part("tools", lambda: says(model, "--functions", function) == "The results are 5 and 2")
    part("json", lambda: json.loads(says(model, "--schema", "n int")) == {"n": 5})
    part("error", lambda: "temperature must be below 2" in says(broken))


run(
    {
        "pydantic-ai": pydantic_ai,
        "litellm": litellm,
        "langchain": langchain,
        "langchain-anthropic": langchain_anthropic,
        "instructor": instructor,
        "openai-agents": openai_agents,
        "llm": llm,
        "llm-ollama": llm_ollama,
    }
)
