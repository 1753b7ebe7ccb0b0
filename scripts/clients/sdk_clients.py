"""What the providers' own SDKs do against a gateway: `sdk_clients.py CLIENT URL KEY MODEL`, a line for each part."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from client_parts import BROKEN, HI, KEY, MODEL, PARAMETERS, SCHEMA, SHAPE, URL, added, chat_loop, fails, part, run


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
    ask = partial(chat.create, model=MODEL)
    part("tools", lambda: chat_loop(ask))
    part("json", lambda: json.loads(ask(messages=HI, response_format=SHAPE).choices[0].message.content) == {"n": 5})
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

    def socket() -> bool:
        said: list[str] = []
        previous: dict[str, Any] = {}
        with client.responses.connect() as connection:
            for text in ("Hi", "Hi again"):
                connection.response.create(model=MODEL, input=text, store=False, **previous)
                last = next(event for event in connection if event.type in ("response.completed", "error"))
                said.append(last.response.output_text)
                previous = {"previous_response_id": last.response.id}
        return said == ["Hello", "Hello"]

    part("socket", socket)


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
    shape: Any = {"format": {"type": "json_schema", "schema": SCHEMA}}

    def shaped() -> bool:
        answer = create(model=MODEL, max_tokens=99, messages=HI, output_config=shape)
        return bool(json.loads(answer.content[0].text) == {"n": 5})

    part("json", shaped)
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

    def loop() -> bool:
        tools: Any = [
            {"type": "function", "function": {"name": "add", "description": "Add.", "parameters": PARAMETERS}}
        ]
        first = client.chat(model=MODEL, messages=HI, tools=tools).message
        calls = list(first.tool_calls or ())
        results = [{"role": "tool", "tool_name": "add", "content": added(call.function.arguments)} for call in calls]
        last = client.chat(model=MODEL, messages=[*HI, first, *results], tools=tools)
        return len(calls) == 2 and last.message.content == "The results are 5 and 2"

    part("tools", loop)
    part("json", lambda: json.loads(client.chat(model=MODEL, messages=HI, format=SCHEMA).message.content) == {"n": 5})
    part("error", lambda: fails(sdk.ResponseError, lambda: client.chat(model=BROKEN, messages=HI)))


run(
    {
        "openai chat": openai_chat,
        "openai responses": openai_responses,
        "anthropic": anthropic,
        "google-genai": google_genai,
        "ollama": ollama,
    }
)
