"""Batches: many questions handed in at once, answered within a day, at half price.  Pure: each call is a generator.

It yields HTTP requests and is sent the bodies of their answers; what it returns is what was asked for.  Sources:
developers.openai.com (Batch API, Files API), docs.anthropic.com (Message Batches), ai.google.dev (Batch API),
docs.mistral.ai (Batch Inference).  Every answer is read as what it claims to be and no more: sizes and names from
outside are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote

from msgspec import Struct

from routerterm.core.errors import InvalidResponse
from routerterm.core.secret import Secret
from routerterm.protocols.base import HttpRequest
from routerterm.protocols.http import Header, get, join, key_header, post
from routerterm.protocols.json_utils import NotJson, dumps, listing, loads, mapping, objects, text

T = TypeVar("T")
Steps: TypeAlias = Generator[HttpRequest, bytes, T]
MOST_BYTES = 256 * 1024 * 1024
"""Of the answers of a batch together."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]{0,255}")


class BatchItem(Struct, frozen=True):
    """One question: our name for it, and the body of the request that would ask it alone."""

    id: str
    body: Mapping[str, Any]


class BatchResult(Struct, frozen=True):
    """One answer: the body that the question alone would have got, or why there is none."""

    id: str
    body: bytes = b""
    error: str = ""


class BatchCall(Struct, frozen=True):
    """To whom: the provider's address, the headers that carry the key, and the model."""

    base_url: str
    headers: tuple[Header, ...]
    model: str = ""


class Batches(Struct, frozen=True):
    """A provider's own way."""

    submit: Callable[[BatchCall, Sequence[BatchItem], str], Steps[str]]
    """Hands questions in, under a name of ours; gives the provider's name of the batch."""
    collect: Callable[[BatchCall, str], Steps[tuple[BatchResult, ...] | None]]
    """The answers; None while it is still worked on.  Raises `InvalidResponse` where the batch came to nothing."""
    find: Callable[[BatchCall, str, Collection[str]], Steps[str | None]]
    """The provider's name of the batch with our name, or of those questions, if it has one."""
    before: int = 0
    """Requests of a submission that go before the one which makes the batch: where they fail, there is none."""


def batch_call(protocol: str, base_url: str, key: Secret | None, model: str = "") -> BatchCall:
    """The headers as that protocol wants them."""
    name = {"anthropic-messages": "x-api-key", "gemini": "x-goog-api-key"}.get(protocol, "Authorization")
    headers = key_header(name, key)
    if protocol == "anthropic-messages":
        headers += (("anthropic-version", "2023-06-01"),)
    return BatchCall(base_url, headers, model)


def _openai_submit(call: BatchCall, items: Sequence[BatchItem], name: str) -> Steps[str]:
    url = "/v1/chat/completions"
    lines = (dumps({"custom_id": item.id, "method": "POST", "url": url, "body": item.body}) for item in items)
    border = f"routerterm-{name}"
    form = b"".join(
        (
            f'--{border}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'.encode(),
            f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}.jsonl"\r\n'.encode(),
            b"Content-Type: application/jsonl\r\n\r\n",
            b"\n".join(lines),
            f"\r\n--{border}--\r\n".encode(),
        )
    )
    kind = ("Content-Type", f"multipart/form-data; boundary={border}")
    file = _object((yield HttpRequest("POST", join(call.base_url, "/files"), (kind, *call.headers), form)))
    body = {
        "input_file_id": _name(file, "id"),
        "endpoint": url,
        "completion_window": "24h",
        "metadata": {"routerterm": name},
    }
    return _name(_object((yield post(join(call.base_url, "/batches"), body, call.headers, stream=False))), "id")


def _openai_collect(call: BatchCall, job: str) -> Steps[tuple[BatchResult, ...] | None]:
    found = _object((yield get(join(call.base_url, f"/batches/{quote(job)}"), call.headers)))
    status = text(found.get("status"))
    if status not in ("completed", "failed", "expired", "cancelled"):
        return None
    results: list[BatchResult] = []
    for field in ("output_file_id", "error_file_id"):
        if text(found.get(field)):
            path = f"/files/{quote(_name(found, field))}/content"
            results += map(_openai_result, _lines((yield get(join(call.base_url, path), call.headers))))
    if not results and status != "completed":
        errors = objects(listing(mapping(found.get("errors")).get("data")))
        raise InvalidResponse(f"The batch {status}: {_said(errors[0].get('message') if errors else '')}")
    return tuple(results)


def _openai_result(line: Mapping[str, Any]) -> BatchResult:
    """Mistral's lines look the same."""
    answer, id = mapping(line.get("response")), text(line.get("custom_id"))
    status = answer.get("status_code", 200)
    if line.get("error") or not answer or (isinstance(status, int) and status >= 300):
        told = mapping(line.get("error")) or mapping(mapping(answer.get("body")).get("error"))
        return BatchResult(id, error=_said(told.get("message") or line.get("error")))
    return BatchResult(id, dumps(mapping(answer.get("body"))))


def _openai_find(call: BatchCall, name: str, ids: Collection[str]) -> Steps[str | None]:
    del ids  # its name is enough
    found = _object((yield get(join(call.base_url, "/batches?limit=100"), call.headers)))
    return _named(objects(listing(found.get("data"))), "id", lambda row: mapping(row.get("metadata")), name)


def _mistral_submit(call: BatchCall, items: Sequence[BatchItem], name: str) -> Steps[str]:
    body = {
        "endpoint": "/v1/chat/completions",
        "model": call.model,
        "requests": [{"custom_id": item.id, "body": item.body} for item in items],
        "metadata": {"routerterm": name},
    }
    return _name(_object((yield post(join(call.base_url, "/batch/jobs"), body, call.headers, stream=False))), "id")


def _mistral_collect(call: BatchCall, job: str) -> Steps[tuple[BatchResult, ...] | None]:
    found = _object((yield get(join(call.base_url, f"/batch/jobs/{quote(job)}"), call.headers)))
    status = text(found.get("status"))
    if status not in ("SUCCESS", "FAILED", "TIMEOUT_EXCEEDED", "CANCELLED"):
        return None
    results = [_openai_result(line) for line in objects(listing(found.get("outputs")))]
    for field in ("output_file", "error_file"):
        if text(found.get(field)):
            path = f"/files/{quote(_name(found, field))}/content"
            results += map(_openai_result, _lines((yield get(join(call.base_url, path), call.headers))))
    if not results and status != "SUCCESS":
        errors = objects(listing(found.get("errors")))
        raise InvalidResponse(f"The batch ended as {status}: {_said(errors[0].get('message') if errors else '')}")
    return tuple(results)


def _mistral_find(call: BatchCall, name: str, ids: Collection[str]) -> Steps[str | None]:
    del ids  # its name is enough
    found = _object((yield get(join(call.base_url, "/batch/jobs?page_size=100"), call.headers)))
    return _named(objects(listing(found.get("data"))), "id", lambda row: mapping(row.get("metadata")), name)


def _anthropic_submit(call: BatchCall, items: Sequence[BatchItem], name: str) -> Steps[str]:
    del name  # it has no place for one
    body = {"requests": [{"custom_id": item.id, "params": item.body} for item in items]}
    return _name(
        _object((yield post(join(call.base_url, "/messages/batches"), body, call.headers, stream=False))), "id"
    )


def _anthropic_collect(call: BatchCall, job: str) -> Steps[tuple[BatchResult, ...] | None]:
    path = f"/messages/batches/{quote(job)}"
    found = _object((yield get(join(call.base_url, path), call.headers)))
    if text(found.get("processing_status")) != "ended":
        return None
    results = []
    for line in _lines((yield get(join(call.base_url, f"{path}/results"), call.headers))):
        id, result = text(line.get("custom_id")), mapping(line.get("result"))
        if result.get("type") == "succeeded":
            results.append(BatchResult(id, dumps(mapping(result.get("message")))))
        else:
            told = mapping(mapping(result.get("error")).get("error")) or mapping(result.get("error"))
            results.append(BatchResult(id, error=_said(told.get("message") or result.get("type"))))
    return tuple(results)


def _anthropic_find(call: BatchCall, name: str, ids: Collection[str]) -> Steps[str | None]:
    """It keeps no name of ours: the questions are recognised in the results, and so not before the batch is done."""
    del name
    found = _object((yield get(join(call.base_url, "/messages/batches?limit=20"), call.headers)))
    for batch in objects(listing(found.get("data"))):
        size = sum(count for count in mapping(batch.get("request_counts")).values() if isinstance(count, int))
        if text(batch.get("processing_status")) == "ended" and size == len(ids):
            job = _name(batch, "id")
            path = f"/messages/batches/{quote(job)}/results"
            results = _lines((yield get(join(call.base_url, path), call.headers)))
            if any(text(line.get("custom_id")) in ids for line in results):
                return job
    return None


def _gemini_submit(call: BatchCall, items: Sequence[BatchItem], name: str) -> Steps[str]:
    requests = [{"request": item.body, "metadata": {"key": item.id}} for item in items]
    body = {"batch": {"display_name": name, "input_config": {"requests": {"requests": requests}}}}
    place = call.model if "/" in call.model else f"models/{call.model}"
    url = join(call.base_url, f"/{quote(place, safe='/')}:batchGenerateContent")
    return _name(_object((yield post(url, body, call.headers, stream=False))), "name")


def _gemini_collect(call: BatchCall, job: str) -> Steps[tuple[BatchResult, ...] | None]:
    found = _object((yield get(join(call.base_url, f"/{quote(job, safe='/')}"), call.headers)))
    about, answer = mapping(found.get("metadata")), mapping(found.get("response"))
    state = text(about.get("state")).rpartition("STATE_")[2]
    if not found.get("done") and state not in ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"):
        return None
    inlined = mapping(answer.get("inlinedResponses")) or mapping(mapping(about.get("output")).get("inlinedResponses"))
    rows = objects(listing(inlined.get("inlinedResponses")))
    if not rows:
        raise InvalidResponse(f"The batch ended as {state or '?'}: {_said(mapping(found.get('error')).get('message'))}")
    return tuple(_gemini_result(row) for row in rows)


def _gemini_result(row: Mapping[str, Any]) -> BatchResult:
    id = text(mapping(row.get("metadata")).get("key"))
    if answer := mapping(row.get("response")):
        return BatchResult(id, dumps(answer))
    return BatchResult(id, error=_said(mapping(row.get("error")).get("message")))


def _gemini_find(call: BatchCall, name: str, ids: Collection[str]) -> Steps[str | None]:
    del ids  # its name is enough
    found = _object((yield get(join(call.base_url, "/batches?pageSize=100"), call.headers)))
    rows = objects(listing(found.get("operations")) or listing(found.get("batches")))
    return _named(rows, "name", lambda row: mapping(row.get("metadata")) or row, name)


BATCHES: Mapping[str, Batches] = {
    "openai-chat": Batches(_openai_submit, _openai_collect, _openai_find, before=1),
    "mistral": Batches(_mistral_submit, _mistral_collect, _mistral_find),
    "anthropic-messages": Batches(_anthropic_submit, _anthropic_collect, _anthropic_find),
    "gemini": Batches(_gemini_submit, _gemini_collect, _gemini_find),
}
"""By protocol; whether a provider of it has batches is a flag in the table of providers."""


def _named(
    rows: Iterable[Mapping[str, Any]], field: str, about: Callable[[Mapping[str, Any]], Mapping[str, Any]], name: str
) -> str | None:
    return next((_name(row, field) for row in rows if name in map(text, about(row).values())), None)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        return mapping(loads(body))
    except NotJson:
        raise InvalidResponse("The provider's answer about a batch is not JSON.") from None


def _lines(body: bytes) -> list[Mapping[str, Any]]:
    return [_object(line) for line in body.splitlines() if line.strip()]


def _name(found: Mapping[str, Any], field: str) -> str:
    """A provider's name of something, which becomes part of an address."""
    name = text(found.get(field))
    if not _NAME.fullmatch(name) or ".." in name:
        raise InvalidResponse(f"The provider's answer about a batch names no usable `{field}`.")
    return name


def _said(words: object) -> str:
    return (text(words) or "no reason was given")[:400]
