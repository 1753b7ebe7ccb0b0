"""The built wheel: everything that the program reads at run time is in it, and nothing of the workshop."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, unpacked as an installer does."""
    folder = tmp_path_factory.mktemp("wheel")
    program = f"from hatchling.build import build_wheel; build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, timeout=120)
    with ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


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
    program = "from routerterm.cli.main import root; root(['config', 'show', 'ui'])"
    assert "# The theme's name." in run(unpacked, home, program)


def test_the_checkout_finds_its_own_themes() -> None:
    from routerterm.config.paths import built_in_themes

    assert built_in_themes() == ROOT / "themes"
