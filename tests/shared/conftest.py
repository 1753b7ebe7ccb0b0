"""Real servers, once for each worker; every test finds them empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest

from tests.shared.servers import Running, postgresql, redis

KINDS: dict[str, Callable[[], AbstractContextManager[Running]]] = {"postgresql": postgresql, "redis": redis}


@pytest.fixture(scope="session")
def running_servers() -> Iterator[Callable[[str], Running]]:
    with ExitStack() as stack:
        started: dict[str, Running] = {}

        def start(kind: str) -> Running:
            if kind not in started:
                started[kind] = stack.enter_context(KINDS[kind]())
            return started[kind]

        yield start


@pytest.fixture(params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in KINDS])
def server(request: pytest.FixtureRequest, running_servers: Callable[[str], Running]) -> Running:
    """Each test runs with both."""
    found = running_servers(request.param)
    if found.process is None:
        found.start()
    _empty(request.param, found)
    return found


def _empty(kind: str, server: Running) -> None:
    if kind == "redis":
        import redis as library

        with library.Redis.from_url(server.url) as client:
            client.flushall()
        return
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS routerterm_state")
