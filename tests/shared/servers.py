"""PostgreSQL and Redis from the system's packages, on free ports of this machine, with passwords."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PASSWORD = "s3cret-of-the-server"
LONG_ENOUGH = 60.0


@dataclass
class Running:
    """A server that can be stopped and started again in the middle."""

    url: str
    command: list[str]
    owner: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return int(self.url.partition("@")[2].partition(":")[2].partition("/")[0])

    def start(self) -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(self.command, **self.owner, **quiet)
        limit = time.monotonic() + LONG_ENOUGH
        while True:
            assert self.process.poll() is None, "the server ended at once"
            if self._answers():
                return
            assert time.monotonic() < limit, "the server never answered"
            time.sleep(0.02)

    def _answers(self) -> bool:
        """Whether it serves: PostgreSQL listens before it does."""
        if self.url.startswith("redis"):
            import redis as library

            with library.Redis.from_url(self.url) as client, suppress(library.RedisError):
                return bool(client.ping())
            return False
        import psycopg

        with suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=5):
            return True
        return False

    def stop(self) -> None:
        """At once, as a machine that loses power: nobody is told."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT if "postgres" in self.url else signal.SIGKILL)
            self.process.wait(LONG_ENOUGH)
            self.process = None

    @contextmanager
    def kept(self, folder: Path) -> Iterator[None]:
        """Run until the block ends; then the folder goes, too."""
        try:
            self.start()
            yield
        finally:
            self.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def freeze(self) -> None:
        """It takes connections and says nothing."""
        for id in self._processes():
            os.kill(id, signal.SIGSTOP)

    def thaw(self) -> None:
        for id in self._processes():
            os.kill(id, signal.SIGCONT)

    def _processes(self) -> list[int]:
        """Its own and those that it has started: PostgreSQL has one for each connection."""
        assert self.process is not None
        own = self.process.pid
        stats = (text.split() for text in map(_stat, Path("/proc").glob("[0-9]*/stat")) if text)
        return [own, *(int(fields[0]) for fields in stats if fields[3] == str(own))]


def _stat(file: Path) -> str:
    """A process' own line, its name without spaces; empty where it has ended meanwhile."""
    try:
        head, _, rest = file.read_text().rpartition(")")
    except OSError:
        return ""
    return f"{head.partition(' ')[0]} name {rest.strip()}"


def initdb() -> str | None:
    """PostgreSQL's own program, which Debian keeps out of the path."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return shutil.which("initdb") or (str(places[-1]) if places else None)


def redis_program() -> str | None:
    return shutil.which("redis-server") or shutil.which("valkey-server")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgresql() -> Iterator[Running]:
    program = initdb()
    assert program is not None
    folder = Path(tempfile.mkdtemp(prefix="rt-pg-"))
    owner: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        who = next(pwd.getpwnam(name) for name in ("postgres", "nobody") if name in {u.pw_name for u in pwd.getpwall()})
        os.chown(folder, who.pw_uid, who.pw_gid)
        owner = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    data, port = folder / "data", free_port()
    make = [program, "-D", str(data), "-U", "rt", "-A", "scram-sha-256", "--pwfile", str(folder / "password")]
    subprocess.run([*make, "-N", "-E", "UTF8", "--locale=C"], check=True, capture_output=True, cwd=folder, **owner)
    quick = ["-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=20"]
    here = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", str(folder)]
    running = Running(
        f"postgresql://rt:{PASSWORD}@127.0.0.1:{port}/postgres",
        [str(Path(program).with_name("postgres")), "-D", str(data), *here, *quick],
        owner | {"cwd": folder},
    )
    with running.kept(folder):
        yield running


@contextmanager
def redis() -> Iterator[Running]:
    program = redis_program()
    assert program is not None
    folder = Path(tempfile.mkdtemp(prefix="rt-redis-"))
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD, "--dir", str(folder)]
    running = Running(
        f"redis://:{PASSWORD}@127.0.0.1:{port}/0",
        [program, *options, "--save", "", "--appendonly", "yes", "--appendfsync", "always"],
        {},
    )
    with running.kept(folder):
        yield running
