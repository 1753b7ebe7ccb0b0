"""What one Python client does against a gateway: `python_clients.py CLIENT URL KEY MODEL`, a line for each part."""

from __future__ import annotations

import json
import sys
from typing import Any

CLIENT, URL, KEY, MODEL = sys.argv[1:5]
BROKEN = MODEL.partition("/")[0] + "/broken"
PARAMETERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
HI: list[Any] = [{"role": "user", "content": "Hi"}]


def openai_chat() -> None:
    """Chat Completions by OpenAI's SDK."""
    import openai

    client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
    chat = client.chat.completions
    part("text", lambda: chat.create(model=MODEL, messages=HI).choices[0].message.content == "Hello")
    part(
        "stream",
        lambda: (
            "".join(
                c.choices[0].delta.content or ""
                for c in chat.create(model=MODEL, messages=HI, stream=True)
                if c.choices
            )
            == "Hello"
        ),
    )

    def loop() -> bool:
        tools: Any = [{"type": "function", "function": {"name": "add", "parameters": PARAMETERS}}]
        first = chat.create(model=MODEL, messages=HI, tools=tools).choices[0].message
        results: list[Any] = [
            {"role": "tool", "tool_call_id": c.id, "content": added(c.function.arguments)} for c in first.tool_calls
        ]
        last = chat.create(model=MODEL, messages=[*HI, first, *results], tools=tools)
        return len(results) == 2 and last.choices[0].message.content == "The results are 5 and 2"

    part("tools", loop)
    shape: Any = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
    part(
        "json",
        lambda: (
            json.loads(chat.create(model=MODEL, messages=HI, response_format=shape).choices[0].message.content)
            == {"n": 5}
        ),
    )
    part("error", lambda: fails(openai.BadRequestError, lambda: chat.create(model=BROKEN, messages=HI)))


def openai_responses() -> None:
    """Responses by OpenAI's SDK, going on by an id."""
    import openai

    client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
    create = client.responses.create
    part("text", lambda: create(model=MODEL, input="Hi").output_text == "Hello")
    part(
        "stream",
        lambda: (
            "".join(
                e.delta for e in create(model=MODEL, input="Hi", stream=True) if e.type == "response.output_text.delta"
            )
            == "Hello"
        ),
    )

    def loop() -> bool:
        tools: Any = [{"type": "function", "name": "add", "parameters": PARAMETERS, "strict": True}]
        first = create(model=MODEL, input="Hi", tools=tools)
        calls = [item for item in first.output if item.type == "function_call"]
        results: Any = [
            {"type": "function_call_output", "call_id": c.call_id, "output": added(c.arguments)} for c in calls
        ]
        last = create(model=MODEL, input=results, tools=tools, previous_response_id=first.id)
        return len(calls) == 2 and last.output_text == "The results are 5 and 2"

    part("tools", loop)
    shape: Any = {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}}
    part("json", lambda: json.loads(create(model=MODEL, input="Hi", text=shape).output_text) == {"n": 5})
    part("error", lambda: fails(openai.BadRequestError, lambda: create(model=BROKEN, input="Hi")))


def anthropic() -> None:
    """Messages by Anthropic's SDK."""
    import anthropic as sdk

    client = sdk.Anthropic(base_url=URL, api_key=KEY, max_retries=0)
    create = client.messages.create
    part("text", lambda: create(model=MODEL, max_tokens=99, messages=HI).content[0].text == "Hello")

    def streamed() -> bool:
        with client.messages.stream(model=MODEL, max_tokens=99, messages=HI) as stream:
            return "".join(stream.text_stream) == "Hello"

    part("stream", streamed)

    def loop() -> bool:
        tools: Any = [{"name": "add", "input_schema": PARAMETERS}]
        first = create(model=MODEL, max_tokens=99, messages=HI, tools=tools)
        calls = [block for block in first.content if block.type == "tool_use"]
        results: Any = [{"type": "tool_result", "tool_use_id": c.id, "content": added(c.input)} for c in calls]
        turns: Any = [*HI, {"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
        last = create(model=MODEL, max_tokens=99, messages=turns, tools=tools)
        return len(calls) == 2 and last.content[0].text == "The results are 5 and 2"

    part("tools", loop)
    part("error", lambda: fails(sdk.BadRequestError, lambda: create(model=BROKEN, max_tokens=9, messages=HI)))


def google_genai() -> None:
    """Gemini's API by Google's SDK."""
    from google import genai
    from google.genai import errors, types

    client = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=URL))
    ask = client.models.generate_content
    part("text", lambda: ask(model=MODEL, contents="Hi").text == "Hello")
    part(
        "stream",
        lambda: (
            "".join(c.text or "" for c in client.models.generate_content_stream(model=MODEL, contents="Hi")) == "Hello"
        ),
    )

    def add(a: int, b: int) -> str:
        """Add two numbers."""
        return str(a + b)

    part(
        "tools",
        lambda: ask(model=MODEL, contents="Hi", config=types.GenerateContentConfig(tools=[add])).text.startswith(
            "The results are"
        ),
    )
    config = types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=SCHEMA)
    part("json", lambda: json.loads(ask(model=MODEL, contents="Hi", config=config).text) == {"n": 5})
    part("error", lambda: fails(errors.ClientError, lambda: ask(model=BROKEN, contents="Hi")))


def ollama() -> None:
    """Ollama's API by its client."""
    import ollama as sdk

    client = sdk.Client(host=URL, headers={"authorization": f"Bearer {KEY}"})
    part("text", lambda: client.chat(model=MODEL, messages=HI).message.content == "Hello")
    part(
        "stream",
        lambda: "".join(c.message.content for c in client.chat(model=MODEL, messages=HI, stream=True)) == "Hello",
    )
    part("json", lambda: json.loads(client.chat(model=MODEL, messages=HI, format=SCHEMA).message.content) == {"n": 5})
    part("error", lambda: fails(sdk.ResponseError, lambda: client.chat(model=BROKEN, messages=HI)))


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

    part("text", lambda: agent().run_sync("Hi").output == "Hello")
    part("tools", lambda: agent(tools=[add]).run_sync("Hi").output == "The results are 5 and 2")
    part("json", lambda: agent(output_type=NativeOutput(N)).run_sync("Hi").output.n == 5)
    part("error", lambda: fails(ModelHTTPError, lambda: agent(BROKEN).run_sync("Hi")))


def litellm() -> None:
    """litellm over Chat Completions."""
    import litellm as sdk

    more: Any = {"api_base": f"{URL}/v1", "api_key": KEY, "num_retries": 0}
    name = f"openai/{MODEL}"
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

    def model(name: str = MODEL) -> Any:
        return ChatOpenAI(model=name, base_url=f"{URL}/v1", api_key=KEY, max_retries=0)

    part("text", lambda: model().invoke("Hi").content == "Hello")
    part("stream", lambda: "".join(chunk.content for chunk in model().stream("Hi")) == "Hello")
    shape = SCHEMA | {"title": "n", "description": "A number."}
    part("json", lambda: model().with_structured_output(shape, method="json_schema").invoke("Hi") == {"n": 5})
    part("error", lambda: fails(openai.BadRequestError, lambda: model(BROKEN).invoke("Hi")))


def added(arguments: Any) -> str:
    """What the tool answers."""
    given = json.loads(arguments) if isinstance(arguments, str) else arguments
    return str(given["a"] + given["b"])


def fails(kind: type[Exception], work: Any) -> bool:
    """Whether it ends with this error."""
    try:
        work()
    except kind:
        return True
    return False


def part(name: str, work: Any) -> None:
    """Do one part, and say in a line how it went."""
    try:
        went, why = bool(work()), ""
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the result
        went, why = False, f"{type(error).__name__}: {str(error)[:200]}"
    print(json.dumps({"part": name, "ok": went, "why": why}), flush=True)


{
    "openai chat": openai_chat,
    "openai responses": openai_responses,
    "anthropic": anthropic,
    "google-genai": google_genai,
    "ollama": ollama,
    "pydantic-ai": pydantic_ai,
    "litellm": litellm,
    "langchain": langchain,
}[CLIENT]()
