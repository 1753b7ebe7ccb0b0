"""A web page with OpenAI's official SDK in a headless Chromium: on an origin that the gateway allows and on another."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue

WAIT = 90.0
"""Seconds for one page."""
PARTS = ("text", "stream", "error", "socket")
NAMES = ("chromium", "chromium-browser", "google-chrome")
PAGE = """<!doctype html><script type="module">
import OpenAI from "/index.mjs";
const { url, key, model } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const messages = [{ role: "user", content: "Hi" }];
const found = {};
async function part(name, work) {
  try { found[name] = [Boolean(await work()), ""]; } catch (error) { found[name] = [false, String(error)]; }
}
const api = new OpenAI({ baseURL: url + "/v1", apiKey: key, maxRetries: 0, dangerouslyAllowBrowser: true });
await part("text", async () =>
  (await api.chat.completions.create({ model, messages })).choices[0].message.content === "Hello");
await part("stream", async () => {
  let text = "";
  for await (const chunk of await api.chat.completions.create({ model, messages, stream: true })) {
    text += chunk.choices[0]?.delta?.content ?? "";
  }
  return text === "Hello";
});
await part("error", async () => {
  try { await api.chat.completions.create({ model: model.split("/")[0] + "/broken", messages }); }
  catch (error) { return error.status === 400; }
});
await part("socket", () => new Promise((resolve, reject) => {
  const socket = new WebSocket(url.replace("http", "ws") + "/v1/responses");
  socket.onopen = () => socket.send(JSON.stringify({ type: "response.create", model, input: "Hi" }));
  socket.onerror = () => reject(new Error("not let in"));
  socket.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.type === "response.completed") resolve(event.response.output[0].content[0].text === "Hello");
    if (event.type === "error") reject(new Error(data));
  };
}));
await fetch("/told", { method: "POST", body: JSON.stringify(found) });
</script>"""


class Pages(ThreadingHTTPServer):
    """An origin of its own with the page; ``told`` gets what the page found out."""

    def __init__(self, node: Path) -> None:
        self.told: Queue[bytes] = Queue()
        folder = str(node / "node_modules" / "openai")
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=folder))
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def origin(self) -> str:
        """As the gateway is told it."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(SimpleHTTPRequestHandler):
    """The SDK's files as they are in its package, the page, and where it says what it found."""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] == "/page.html":
            self._answer(PAGE.encode())
        else:
            super().do_GET()

    def do_POST(self) -> None:
        assert isinstance(self.server, Pages)
        self.server.told.put(self.rfile.read(int(self.headers["content-length"])))
        self._answer(b"thanks")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the table is what is read."""


def chromium() -> str | None:
    """The browser, where there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


async def tried_browser(allowed: Pages, foreign: Pages, url: str, key: str, model: str) -> dict[str, tuple[bool, str]]:
    """Each part on the allowed origin; ``cors`` holds where the foreign one gets nothing at all."""
    found = await _shown(allowed, url, key, model)
    refused = await _shown(foreign, url, key, model)
    kept_out = len(refused) == len(PARTS) and not any(went for went, _ in refused.values())
    return found | {"cors": (kept_out, f"on a foreign origin: {refused}")}


async def _shown(pages: Pages, url: str, key: str, model: str) -> dict[str, tuple[bool, str]]:
    """What a page on this origin finds out."""
    asked = json.dumps({"url": url, "key": key, "model": model})
    address = f"{pages.origin}/page.html#" + "".join(f"%{byte:02x}" for byte in asked.encode())
    browser = chromium()
    assert browser is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        words = ["--headless=new", "--no-sandbox", "--disable-gpu"]
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            browser, *words, f"--user-data-dir={profile}", address, stdin=quiet, stdout=quiet, stderr=quiet
        )
        try:
            told = await asyncio.to_thread(pages.told.get, True, WAIT)
        except Empty:
            return {"text": (False, f"the page told nothing within {WAIT:.0f} s")}
        finally:
            process.kill()
            await process.wait()
    return {name: (went, why) for name, (went, why) in json.loads(told).items()}
