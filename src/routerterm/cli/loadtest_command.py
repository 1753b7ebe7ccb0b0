"""`routerterm loadtest`: many requests at a gateway, with a picture of how it bears them."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from routerterm.cli.output import LivePicture, is_terminal, print_json, print_line, width
from routerterm.core.gc_control import resume

if TYPE_CHECKING:
    from routerterm.core.secret import Secret
    from routerterm.engine.usage.load import Load, Sample
    from routerterm.protocols.base import Codec
    from routerterm.router.transports.base import Transport

_FREE = ("demo/", "local/")
_PROTOCOLS = ("openai-chat", "openai-responses", "anthropic-messages")
_PROTOCOL_HELP = f"To speak: {', '.join(_PROTOCOLS)}."
_REDRAW = 0.25
"""Seconds between two pictures."""
_PATIENCE = 300.0
"""Seconds without a byte after which a request has failed."""


@click.command("loadtest")
@click.argument("url", required=False)
@click.option("-m", "--model", default="demo/echo", show_default=True, help="The model or route to ask for.")
@click.option("-n", "--requests", type=click.IntRange(1, 1_000_000), default=200, show_default=True, help="How many.")
@click.option("--seconds", type=click.IntRange(1, 86_400), metavar="S", help="Instead: ask for so long.")
@click.option("--at-once", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Concurrent requests.")
@click.option("--prompt", default="Say hello.", show_default=True, help="What each request asks.")
@click.option("--max-output", type=click.IntRange(1), default=64, show_default=True, help="Tokens of each answer.")
@click.option("--protocol", type=click.Choice(_PROTOCOLS), default="openai-chat", metavar="NAME", help=_PROTOCOL_HELP)
@click.option("--key-env", metavar="NAME", help="The variable with the key; by default your own gateway's key.")
@click.option("--yes", is_flag=True, help="Do not ask before a model that may cost money.")
@click.option("--json", "as_json", is_flag=True, help="Only the figures, as one JSON object.")
def command(
    url: str | None,
    model: str,
    requests: int,
    seconds: int | None,
    at_once: int,
    prompt: str,
    max_output: int,
    protocol: str,
    key_env: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Send many streamed requests to the gateway at URL and show throughput, latencies and errors.

    URL is your own gateway by default. The demo model costs nothing; a model that may cost money is asked only after
    you agree. Ctrl+C ends early. Exits with 1 if a request failed.

    \b
      routerterm loadtest --at-once 100 -n 2000
      routerterm loadtest https://gateway.example -m smart --key-env KEY
    """
    base, key = _where(url, key_env)
    if not model.startswith(_FREE) and not yes:
        _agree(model, base, f"for {seconds} s" if seconds else f"{requests:,} times")
    test = _Test(base, model, protocol, key, prompt=prompt, max_output=max_output)
    resume()
    load, took = asyncio.run(test.run(None if seconds else requests, seconds, at_once, quiet=as_json))
    if as_json:
        print_json(load.figures(took), indent=2)
    else:
        for line in (f"{base}, {model}, {at_once:,} at once, {took:.1f} s", *load.lines(took, width(80))):
            print_line(line)
    sys.exit(1 if load.errors or not load.samples else 0)


def _agree(model: str, base: str, how: str) -> None:
    """Raises `UsageError` and `Abort` where the person does not."""
    if not is_terminal(err=True) or not sys.stdin.isatty():
        raise click.UsageError(f"{model} may cost money; --yes says that you agree.")
    click.confirm(f"Ask {model} at {base} {how}? It may cost money.", abort=True, err=True)


def _where(url: str | None, key_env: str | None) -> tuple[str, Secret | None]:
    """The gateway's address without a path, and the key for it.  Raises `UsageError`."""
    from routerterm.config.paths import Paths
    from routerterm.config.settings import load_settings
    from routerterm.core.secret import Secret
    from routerterm.gateway.own_key import key_file

    paths = Paths.find()
    if key_env is not None and not os.environ.get(key_env):
        raise click.UsageError(f"The variable {key_env} is not set.")
    if url is None:
        own = load_settings(paths).gateway
        url = f"http://{'127.0.0.1' if own.host == '0.0.0.0' else own.host}:{own.port}"
        if key_env is None and key_file(paths).exists():
            return url, Secret(key_file(paths).read_text(encoding="ascii").strip())
    _check(url)
    return url.rstrip("/").removesuffix("/v1"), Secret(os.environ[key_env]) if key_env else None


def _check(url: str) -> None:
    """Raises `UsageError` where an address cannot be asked, or holds a password, which the picture would show."""
    if not url.startswith(("http://", "https://")):
        raise click.UsageError("URL must begin with http:// or https://.")
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0 and " " not in url
    except ValueError:
        usable = False
    if not usable:
        raise click.UsageError("URL is not an address that can be asked; it looks like http://HOST:PORT.")
    if "@" in parts.netloc:
        raise click.UsageError("URL must not hold a password; --key-env NAME gives the key.")


class _Test:
    """Asks the same question again and again."""

    def __init__(
        self, base: str, model: str, protocol: str, key: Secret | None, *, prompt: str, max_output: int
    ) -> None:
        from routerterm.core.messages import Message, Text
        from routerterm.core.request import ChatRequest, Params
        from routerterm.protocols import codec

        self._codec: Codec = codec(protocol)
        asked = ChatRequest(model, (Message("user", (Text(prompt),)),), params=Params(max_output=max_output))
        self._request = self._codec.encode(asked, base_url=f"{base}/v1", model=model, key=key)

    async def run(self, wanted: int | None, seconds: int | None, at_once: int, *, quiet: bool) -> tuple[Load, float]:
        """Until so many are answered or the time is over; what was measured, and in how many seconds."""
        from routerterm.engine.usage.load import Load
        from routerterm.router.transports.http import HttpTransport

        load, clock = Load(wanted), asyncio.get_running_loop().time
        begun = clock()
        left = wanted

        async def work(transport: Transport) -> None:
            nonlocal left
            while left is None or left > 0:
                left = None if left is None else left - 1
                load.running += 1
                try:
                    load.samples.append(await self._ask(transport, begun))
                finally:
                    load.running -= 1

        transport = HttpTransport()
        workers = [asyncio.create_task(work(transport)) for _ in range(min(at_once, wanted or at_once))]
        try:
            with LivePicture(hidden=quiet) as picture:
                done: set[asyncio.Task[None]] = set()
                while len(done) < len(workers) and (seconds is None or clock() - begun < seconds):
                    done, _ = await asyncio.wait(workers, timeout=_REDRAW, return_when=asyncio.ALL_COMPLETED)
                    picture.show(load.lines(clock() - begun, picture.width))
        except asyncio.CancelledError:  # Ctrl+C: what was measured is shown
            pass
        took = clock() - begun
        for worker in workers:
            worker.cancel()
        for ended in await asyncio.gather(*workers, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        await transport.aclose()
        return load, took

    async def _ask(self, transport: Transport, begun: float) -> Sample:
        from routerterm.core.errors import RoutertermError
        from routerterm.core.events import UsageReported
        from routerterm.engine.usage.load import Sample
        from routerterm.router.run.attempt import AttemptStream, StreamTimeouts

        waits = StreamTimeouts(first=_PATIENCE, idle=_PATIENCE)
        stream = AttemptStream(transport, self._request, self._codec.decoder(), waits, "the gateway")
        tokens, error = 0, None
        try:
            async for events in stream:
                tokens = next((e.usage.output for e in reversed(events) if isinstance(e, UsageReported)), tokens)
        except RoutertermError as failed:
            kind = getattr(failed, "kind", type(failed).__name__)
            error = f"{stream.status} {kind}" if stream.status and stream.status != 200 else kind
        now = asyncio.get_running_loop().time()
        ttft = None if stream.first_content is None else stream.first_content - stream.sent
        return Sample(now - begun, now - stream.sent, ttft, tokens, error)
