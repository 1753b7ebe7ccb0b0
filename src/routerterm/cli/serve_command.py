"""`routerterm serve`: the same router for editors, scripts and other programs on this machine."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from routerterm.cli.output import print_error, print_line


@click.command("serve")
@click.option("--host", metavar="HOST", help="The address to listen on (127.0.0.1).")
@click.option("--port", metavar="PORT", type=click.IntRange(0, 65_535), help="The port (8484); 0 picks a free one.")
@click.option("--install-service", is_flag=True, help="Install a systemd user unit, and exit.")
@click.option("--mock", is_flag=True, help="Make up every answer, the same each time, without keys or network.")
def command(host: str | None, port: int | None, install_service: bool, mock: bool) -> None:
    """Serve the OpenAI and Anthropic protocols to other programs, over this router, its keys, budgets and ledger.

    \b
      routerterm serve --port 8484
      OPENAI_BASE_URL=http://127.0.0.1:8484/v1
      ANTHROPIC_BASE_URL=http://127.0.0.1:8484

    The model may be provider/model, a route or an alias.  Until you create a virtual key (`routerterm
    gateway key add NAME`) or set ROUTERTERM_GATEWAY_TOKEN your own programs on this machine need no key; other
    users and other machines are refused.  `routerterm gateway token` prints your own key.
    Ctrl+C or SIGTERM lets running answers finish for 10 seconds.
    """
    if install_service:
        from routerterm.cli.service_unit import NAME, install

        print_line(f"Written: {install(host, port)}", err=True)
        print_line(f"Start it now and at every login: systemctl --user enable --now {NAME}", err=True)
        return
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        sys.exit(runner.run(_serve(host, port, mock=mock)))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed: a fifth less work for every piece of an answer."""
    try:
        from uvloop import new_event_loop
    except ModuleNotFoundError:
        return None
    return new_event_loop


def _settle(loop: asyncio.AbstractEventLoop) -> None:
    """What was loaded for good need not be looked through by every collection; threads hand over sooner."""
    import gc

    sys.setswitchinterval(0.001)
    for seconds in (0.0, 15.0):  # by then what loads behind the first requests is there too
        loop.call_later(seconds, gc.freeze)


async def _serve(host: str | None, port: int | None, *, mock: bool) -> int:
    from routerterm.cli.gateway_factory import gateway_of
    from routerterm.cli.keys_prompts import open_locked
    from routerterm.engine.chat.project import project_of
    from routerterm.wiring import open_app

    async with open_app(loading="later") as app:
        app.project = await asyncio.to_thread(project_of, Path.cwd())  # its budget holds for what is served, too
        for trouble in app.troubles:
            print_error(trouble)
        if not mock:
            await open_locked(app.keys, "")
        gateway = gateway_of(app, host, port, mock=mock)
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        closed = getattr(signal, "SIGHUP", None)  # its terminal is; with nohup it outlives that
        if closed is not None and signal.getsignal(closed) is not signal.SIG_IGN:
            loop.add_signal_handler(closed, ended.set)
        await gateway.start()
        _settle(loop)
        print_line(f"routerterm serves at {gateway.address} (OpenAI: {gateway.address}/v1)", err=True)
        print_line(f"Access: {gateway.access_words}", err=True)
        if app.store.shared is not None:
            app.store.shared.told = partial(print_line, err=True)
            print_line(f"Shared state: {app.store.shared.place}", err=True)
        if mock:
            print_line("Every answer is made up (--mock); no provider is asked.", err=True)
        await ended.wait()
        print_line("routerterm: running answers may finish for 10 s.", err=True)
        await gateway.stop()
    return 0
