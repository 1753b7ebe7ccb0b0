"""A provider with batches on this machine, in the manner of four: it counts what it is asked, and answers when told."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.local_server import LocalHandler, listening


@dataclass(slots=True)
class BatchProvider:
    """What it was asked, by prompt; ``done`` lets its batches end."""

    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    """How often each prompt came, alone or in a batch."""
    submissions: int = 0
    done: bool = False
    silent: bool = False
    """Takes a batch and never says so; nor which batches it has."""
    forgets: bool = False
    """Knows of no batch that it was asked to look at."""
    refuses: int = 0
    """An HTTP status with which batches are refused."""
    stalls: float = 0.0
    """Seconds before it says that a batch is taken, or what came of it."""
    stalled: int = 0
    """How often it did so."""
    broken_files: bool = False
    """Takes no file."""
    slow: float = 0.0
    """Seconds between two words of an answer that is streamed."""
    jobs: dict[str, tuple[str, list[tuple[str, dict[str, Any]]]]] = field(default_factory=dict)
    """By the provider's name: ours, and the questions."""
    files: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    headers: list[dict[str, str]] = field(default_factory=list)


def prompt_in(body: dict[str, Any]) -> str:
    """The last words of a request of any of the four."""
    if "contents" in body:
        return str(body["contents"][-1]["parts"][-1]["text"])
    content = body["messages"][-1]["content"]
    return str(content if isinstance(content, str) else content[-1]["text"])


def openai_answer(prompt: str) -> dict[str, Any]:
    """A whole answer of Chat Completions."""
    message = {"role": "assistant", "content": f"Answer to {prompt}"}
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}


@contextmanager
def serving_batches() -> Iterator[BatchProvider]:
    """The server."""
    provider, lock = BatchProvider(), threading.Lock()

    def take(name: str, items: list[tuple[str, dict[str, Any]]]) -> str:
        with lock:
            provider.submissions += 1
            job = f"batch_{provider.submissions}"
            provider.jobs[job] = name, items
            provider.asked.update(prompt_in(body) for _, body in items)
            return job

    class Handler(LocalHandler, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            provider.headers.append({name.lower(): value for name, value in self.headers.items()})
            if self.path.endswith("/files"):
                if provider.broken_files:
                    return self.tell({"error": {"message": "busy"}}, 503)
                lines = re.findall(rb'^\{"custom_id".*\}', data, re.MULTILINE)
                provider.files["file-1"] = [json.loads(line) for line in lines]
                return self.tell({"id": "file-1"})
            body, told = json.loads(data), dict[str, Any]()
            if self.path.endswith("/chat/completions"):
                return self.stream(prompt_in(body))
            if provider.refuses:
                return self.tell({"error": {"message": "no batches today"}}, provider.refuses)
            if self.path.endswith("/messages/batches"):
                job = take("", [(one["custom_id"], one["params"]) for one in body["requests"]])
            elif ":batchGenerateContent" in self.path:
                batch = body["batch"]
                requests = batch["input_config"]["requests"]["requests"]
                job = take(batch["display_name"], [(one["metadata"]["key"], one["request"]) for one in requests])
                told = {"name": f"batches/{job}", "metadata": {"state": "BATCH_STATE_PENDING"}}
            elif self.path.endswith("/batch/jobs"):
                items = [(one["custom_id"], one["body"]) for one in body["requests"]]
                job = take(body["metadata"]["routerterm"], items)
            else:
                items = [(line["custom_id"], line["body"]) for line in provider.files["file-1"]]
                job = take(body["metadata"]["routerterm"], items)
            self.stall()
            if provider.silent:
                self.close_connection = True
                return None
            return self.tell(told or {"id": job})

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path.endswith("/content"):
                self.stall()
                job = path.split("/")[-2].removeprefix("out-")
                lines = [
                    {"custom_id": id, "response": {"status_code": 200, "body": openai_answer(prompt_in(body))}}
                    for id, body in self.items(job)
                ]
                return self.tell_lines(lines)
            if path.endswith("/results"):
                return self.tell_lines([self.anthropic(id, body) for id, body in self.items(path.split("/")[-2])])
            if path.endswith(("/batches", "/batch/jobs")) and provider.silent:
                return self.tell({"error": {"message": "busy"}}, 503)
            if path.endswith(("/batches", "/batch/jobs")):
                ended = "ended" if provider.done else "in_progress"
                rows = [
                    {
                        "id": job,
                        "metadata": {"routerterm": name},
                        "processing_status": ended,
                        "request_counts": {"processing": 0, "succeeded": len(items), "errored": 0},
                    }
                    for job, (name, items) in provider.jobs.items()
                ]
                operations = [
                    {"name": f"batches/{job}", "metadata": {"displayName": name}}
                    for job, (name, _) in provider.jobs.items()
                ]
                return self.tell({"data": rows, "operations": operations})
            job = path.rpartition("/")[2]
            if provider.forgets:
                return self.tell({"error": {"message": "no such batch"}}, 404)
            if "/messages/batches/" in path:
                return self.tell({"id": job, "processing_status": "ended" if provider.done else "in_progress"})
            if "/batch/jobs/" in path:
                ended = {"status": "SUCCESS", "output_file": f"out-{job}"}
                return self.tell({"id": job, **(ended if provider.done else {"status": "RUNNING"})})
            if "/v1beta/batches/" in path:
                return self.tell(self.gemini(job))
            ended = {"status": "completed", "output_file_id": f"out-{job}"}
            return self.tell({"id": job, **(ended if provider.done else {"status": "in_progress"})})

        def stall(self) -> None:
            if provider.stalls:
                provider.stalled += 1
                time.sleep(provider.stalls)

        def items(self, job: str) -> list[tuple[str, dict[str, Any]]]:
            return provider.jobs[job][1]

        def anthropic(self, id: str, body: dict[str, Any]) -> dict[str, Any]:
            content = [{"type": "text", "text": f"Answer to {prompt_in(body)}"}]
            message = {
                "id": "m",
                "type": "message",
                "role": "assistant",
                "content": content,
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 1000, "output_tokens": 100},
            }
            return {"custom_id": id, "result": {"type": "succeeded", "message": message}}

        def gemini(self, job: str) -> dict[str, Any]:
            if not provider.done:
                return {"name": f"batches/{job}", "metadata": {"state": "BATCH_STATE_RUNNING"}}
            rows = []
            for id, body in self.items(job):
                content = {"role": "model", "parts": [{"text": f"Answer to {prompt_in(body)}"}]}
                usage = {"promptTokenCount": 1000, "candidatesTokenCount": 100, "totalTokenCount": 1100}
                rows.append(
                    {
                        "metadata": {"key": id},
                        "response": {
                            "candidates": [{"content": content, "finishReason": "STOP"}],
                            "usageMetadata": usage,
                        },
                    }
                )
            return {
                "name": f"batches/{job}",
                "done": True,
                "metadata": {"state": "BATCH_STATE_SUCCEEDED"},
                "response": {"inlinedResponses": {"inlinedResponses": rows}},
            }

        def stream(self, prompt: str) -> None:
            with lock:
                provider.asked[prompt] += 1
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
            with suppress(BrokenPipeError, ConnectionResetError):
                for word in ("Answer ", "to ", prompt):
                    choice = {"index": 0, "delta": {"content": word}, "finish_reason": None}
                    self.wfile.write(f"data: {json.dumps(head | {'choices': [choice]})}\n\n".encode())
                    self.wfile.flush()
                    time.sleep(provider.slow)
                end = {
                    "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
                }
                self.wfile.write(f"data: {json.dumps(head | end)}\n\ndata: [DONE]\n\n".encode())

        def tell(self, body: object, status: int = 200) -> None:
            self.whole(status, json.dumps(body).encode())

        def tell_lines(self, lines: list[dict[str, Any]]) -> None:
            self.whole(200, b"\n".join(json.dumps(line).encode() for line in lines))

    with listening(Handler) as provider.url:
        yield provider
