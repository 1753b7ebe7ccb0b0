"""The built wheels: everything that the program reads at run time is in them, and nothing of the workshop; the library
alone runs where the interface's packages are not.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from tests.contracts.test_dependencies import DECLARED, imported, packages_of
from tests.local_server import LocalHandler, listening

ROOT = Path(__file__).resolve().parents[2]
INTERFACE = ("textual", "rich", "click", "pydantic", "sqlite_utils", "keyring", "cryptography", "pygments", "tomlkit")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of this checkout, and in `two` with the two that are published."""
    folder = tmp_path_factory.mktemp("wheel")
    program = f"from hatchling.build import build_wheel; build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, timeout=120)
    (whole,) = folder.glob("*.whl")
    (folder / "two").mkdir()
    (folder / "two" / whole.name).write_bytes(whole.read_bytes())
    split = [sys.executable, ROOT / "scripts/split_wheel.py", folder / "two"]
    subprocess.run(split, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def unpacked(built: Path) -> Path:
    """The wheel of this checkout, unpacked as an installer does."""
    return unpack(next(built.glob("*.whl")), built / "site")


def unpack(wheel: Path, folder: Path) -> Path:
    with ZipFile(wheel) as packed:
        packed.extractall(folder)
    return folder


def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as packed:
        assert packed.testzip() is None
        return set(packed.namelist())


def needed(package: str) -> Iterator[str]:
    """A package and all that it needs here, by name."""
    waiting, seen = [package], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        yield name
        for line in metadata.requires(name) or ():
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                waiting.append(wanted.name)


class Failing(LocalHandler):
    """A provider whose large model is out of order and whose small one answers."""

    def do_POST(self) -> None:  # noqa: N802 - the name is http.server's
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if b'"large"' in body:
            self.whole(500, b'{"error": {"message": "out of order"}}')
            return
        said = b'data: {"choices": [{"delta": {"content": "Good day"}, "finish_reason": "stop"}]}\n\n'
        used = b'data: {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}\n\ndata: [DONE]\n\n'
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(said + used)))
        self.end_headers()
        self.wfile.write(said + used)


def run(unpacked: Path, home: Path, program: str) -> str:
    """What a program prints that finds routerterm in the unpacked wheel and not in the checkout."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(unpacked), "ROUTERTERM_HOME": str(home)}
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, cwd=home.parent, env=environ, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_every_file_of_the_package_is_in_it(unpacked: Path) -> None:
    package = ROOT / "src" / "routerterm"
    ours = {str(file.relative_to(package.parent)) for file in package.rglob("*") if file.is_file()}
    there = {str(file.relative_to(unpacked)) for file in unpacked.rglob("*") if file.is_file()}
    assert {name for name in ours if "__pycache__" not in name} <= there


def test_every_theme_is_in_it_and_is_found_there(unpacked: Path, home: Path) -> None:
    themes = {file.name for file in (ROOT / "themes").glob("*.toml")}
    assert "phosphor.toml" in themes
    program = "from routerterm.config.paths import built_in_themes as b; print(*[f for f in b().iterdir()], sep='\\n')"
    found = [Path(line) for line in run(unpacked, home, program).splitlines()]
    assert {file.name for file in found} == themes
    assert {file.parent for file in found} == {unpacked / "routerterm" / "themes"}


def test_nothing_else_is_in_it(unpacked: Path) -> None:
    version = run(unpacked, unpacked, "import routerterm; print(routerterm.__version__)").strip()
    beside = {f"routerterm-{version}.{kind}" for kind in ("dist-info", "data")}
    assert {each.name for each in unpacked.iterdir()} == {"routerterm", *beside}
    data = unpacked / f"routerterm-{version}.data" / "data"
    assert [file.relative_to(data).as_posix() for file in data.rglob("*.*")] == ["share/man/man1/routerterm.1"]
    licences = sorted(file.name for file in unpacked.glob("*.dist-info/licenses/*"))
    assert licences == ["LICENSE", "NOTICE"]


def test_the_terms_of_shipped_data_are_told() -> None:
    """Every file of data in the package is either ours or named in the notice with its terms."""
    package, notice = ROOT / "src" / "routerterm", (ROOT / "NOTICE").read_text("utf-8")
    ours = {
        "providers.toml",
        "providers.json",
        "demo.json",
        "families.json",
        "SOURCES.md",
        "drop.html",
        "letters.txt",
        "routerterm.tcss",
        "py.typed",
    }
    for path in package.rglob("*.*"):
        if path.is_file() and path.suffix not in (".py", ".pyc") and path.name not in ours:
            place = f"src/routerterm/{path.relative_to(package).as_posix()}"
            assert place in notice or f"{place.rpartition('/')[0]}/*{path.suffix}" in notice, place
    assert "WITHOUT WARRANTY OF ANY KIND" in notice


def test_its_sentences_about_the_settings_are_still_there(unpacked: Path, home: Path) -> None:
    program = "from routerterm.cli.root import root; root(['config', 'show', 'ui'])"
    assert "# The theme's name." in run(unpacked, home, program)


def test_the_checkout_finds_its_own_themes() -> None:
    from routerterm.config.paths import built_in_themes

    assert built_in_themes() == ROOT / "themes"


def test_the_two_wheels_share_no_file_and_are_the_whole_together(built: Path, unpacked: Path) -> None:
    library, program = (names(wheel) for wheel in sorted((built / "two").glob("*.whl"), reverse=True))
    assert "routerterm/router/client.py" in library
    assert "routerterm/tui/app.py" in program
    assert not library & program
    whole = {name for name in names(next(built.glob("*.whl"))) if ".dist-info/" not in name}
    assert {name for name in library | program if ".dist-info/" not in name} == whole
    version = run(unpacked, unpacked, "import routerterm; print(routerterm.__version__)").strip()
    with ZipFile(next((built / "two").glob("routerterm-*.whl"))) as packed:
        needs = packed.read(f"routerterm-{version}.dist-info/METADATA").decode()
    assert f"Requires-Dist: routerterm-core=={version}\n" in needs


def test_the_library_declares_what_its_rooms_import(built: Path) -> None:
    (wheel,) = (built / "two").glob("routerterm_core-*.whl")
    with ZipFile(wheel) as packed:
        files = {name for name in packed.namelist() if name.endswith(".py")}
        (info,) = [name for name in packed.namelist() if name.endswith("/METADATA")]
        declared = set(re.findall(r"^Requires-Dist: ([\w-]+)", packed.read(info).decode(), re.M))
    used = set()
    for module, importers in imported().items():
        if any(name.removeprefix("src/") in files for name in importers):
            used |= packages_of(module) & DECLARED
    assert declared == used
    assert not declared & {normal.replace("_", "-") for normal in INTERFACE}


def test_the_library_answers_where_no_package_of_the_interface_is(built: Path, tmp_path: Path) -> None:
    """The second program of docs/library.md, in a Python that sees the library's wheel and what that needs."""
    site = unpack(next((built / "two").glob("routerterm_core-*.whl")), tmp_path / "site")
    with ZipFile(next((built / "two").glob("routerterm_core-*.whl"))) as packed:
        (info,) = [name for name in packed.namelist() if name.endswith("/METADATA")]
        declared = re.findall(r"^Requires-Dist: ([\w-]+)", packed.read(info).decode(), re.M)
    for package in {name for each in declared for name in needed(each)}:
        for top in {str(file).partition("/")[0] for file in metadata.files(package) or ()} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(metadata.distribution(package).locate_file(top))))
    programs = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/library.md").read_text("utf-8"), re.M | re.S)
    script = tmp_path / "program.py"
    script.write_text(
        f"import sys\nfrom importlib.util import find_spec\nsys.path.append({str(site)!r})\n"
        f"assert not [name for name in {INTERFACE!r} if find_spec(name)]\n{programs[1]}"
    )
    with listening(Failing) as address:
        command = [sys.executable, "-I", "-S", script]
        environ = {"PATH": os.environ["PATH"], "MY_SERVER": f"{address}/v1"}
        ran = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert "out of order" in ran.stdout or "500" in ran.stdout
    assert ran.stdout.endswith("Good day\n2 tokens\n"), ran.stdout
