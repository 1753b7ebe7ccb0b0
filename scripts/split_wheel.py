"""Splits the whole tree's wheel in two that share no file: `routerterm-core`, the router as a library, and the program.

`python scripts/split_wheel.py dist` replaces the one wheel in that folder.  What belongs to the library and what that
needs is said in pyproject.toml under [tool.routerterm.core]; docs/decisions.md says why it is done so.
"""

from __future__ import annotations

import re
import sys
import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ROOT = Path(__file__).resolve().parent.parent
CORE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["routerterm"]["core"]
Files = Mapping[str, bytes]
"""What a wheel holds, by its path."""


def split(whole: Files, version: str) -> tuple[Files, Files]:
    """The library's wheel and the program's; every file of the package is in exactly one of them."""
    info, ours = f"routerterm-{version}.dist-info", tuple(f"routerterm/{each}" for each in CORE["files"])
    library = {
        f"routerterm_core-{version}.dist-info/{name}": whole[f"{info}/{name}"]
        for name in ("WHEEL", *_licences(whole, info))
    }
    library |= {name: data for name, data in whole.items() if name.startswith(ours)}
    program = {name: data for name, data in whole.items() if name not in library and name != f"{info}/RECORD"}
    metadata = whole[f"{info}/METADATA"].decode()
    library[f"routerterm_core-{version}.dist-info/METADATA"] = "\n".join(_library_metadata(metadata)).encode()
    program[f"{info}/METADATA"] = _needing_the_library(metadata, version).encode()
    return library, program


def _licences(whole: Files, info: str) -> Iterator[str]:
    return (name.removeprefix(f"{info}/") for name in whole if name.startswith(f"{info}/licenses/"))


def _library_metadata(metadata: str) -> Iterator[str]:
    """Name, summary, needs and description are the library's own; everything else is the program's."""
    head, _, _ = metadata.partition("\n\n")
    for line in head.splitlines():
        field, _, value = line.partition(": ")
        match field:
            case "Name":
                yield "Name: routerterm-core"
            case "Summary":
                yield f"Summary: {CORE['description']}"
            case "Requires-Dist":
                if _name(value) in CORE["dependencies"]:
                    yield line
            case "Provides-Extra":
                pass
            case "Classifier" if "Console" in value or "Terminals" in value or "Chat" in value:
                pass
            case _:
                yield line
    yield ""
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    yield re.sub(r"^::: .*\n+", "", page, flags=re.M)


def _needing_the_library(metadata: str, version: str) -> str:
    """What the library needs, the program gets with it."""
    head, blank, body = metadata.partition("\n\n")
    kept, placed = [], False
    for line in head.splitlines():
        if line.startswith("Requires-Dist: "):
            if not placed:
                kept.append(f"Requires-Dist: routerterm-core=={version}")
                placed = True
            if _name(line.partition(": ")[2]) in CORE["dependencies"]:
                continue
        kept.append(line)
    return "\n".join(kept) + blank + body


def _name(requirement: str) -> str:
    return re.split(r"[\s<>=!~;\[]", requirement)[0].lower()


def write(path: Path, info: str, files: Files) -> None:
    """A wheel with its RECORD; the same files give the same bytes."""
    record = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in sorted(files.items())]
    record.append(f"{info}/RECORD,,")
    with ZipFile(path, "w", ZIP_DEFLATED) as wheel:
        for name, data in [*sorted(files.items()), (f"{info}/RECORD", "\n".join([*record, ""]).encode())]:
            entry = ZipInfo(name, (2020, 2, 2, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            wheel.writestr(entry, data, ZIP_DEFLATED)


def _digest(data: bytes) -> str:
    return urlsafe_b64encode(sha256(data).digest()).rstrip(b"=").decode()


def main() -> int:
    """Replace the wheel of the whole tree in a folder by the two."""
    (path,) = Path(sys.argv[1]).glob("routerterm-*.whl")
    version = path.name.split("-")[1]
    with ZipFile(path) as wheel:
        whole = {name: wheel.read(name) for name in wheel.namelist()}
    library, program = split(whole, version)
    write(
        path.with_name(f"routerterm_core-{version}-py3-none-any.whl"), f"routerterm_core-{version}.dist-info", library
    )
    write(path, f"routerterm-{version}.dist-info", program)
    return 0


if __name__ == "__main__":
    sys.exit(main())
