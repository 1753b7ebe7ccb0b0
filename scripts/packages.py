"""What a plain install brings: each package with its size, its licence, and why it is there.

`python scripts/packages.py` prints a table, `--markdown` the same for docs/footprint.md, `--extra NAME` adds an extra.
It looks at the environment it runs in; nothing is fetched.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_NAME = re.compile(r"^\s*([A-Za-z0-9._-]+)")
_COMMENTED = re.compile(r'^\s*"([A-Za-z0-9._-]+)[^"]*",\s*#\s*(.+)$')


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package."""

    name: str
    version: str
    size: int
    """Bytes, without what Python compiles by itself."""
    licence: str
    why: str


def packages(extras: Iterable[str] = ()) -> list[Package]:
    """Routerterm and all that it needs, here and on this Python."""
    why = {"routerterm": "this program", **_reasons()}
    found: dict[str, Package] = {}
    waiting = [("routerterm", tuple(extras))]
    while waiting:
        name, wanted = waiting.pop(0)
        key = _key(name)
        if key in found:
            continue
        try:
            dist = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # not for this system
        found[key] = Package(dist.name, dist.version, _size(dist), licence(dist), why.get(key, "?"))
        for needed in _needs(dist, wanted):
            waiting.append((needed, ()))
            why.setdefault(_key(needed), f"for {dist.name}")
    return sorted(found.values(), key=lambda package: -package.size)


def _needs(dist: metadata.Distribution, extras: tuple[str, ...]) -> Iterator[str]:
    from packaging.requirements import Requirement

    for line in dist.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
            yield requirement.name


def licence(dist: metadata.Distribution) -> str:
    """The licence as the package states it: its expression, else its classifiers, else its own words."""
    body = dist.metadata
    if expression := body.get("License-Expression"):
        return str(expression)
    classified = [
        entry.rpartition("::")[2].strip()
        for entry in body.get_all("Classifier") or ()
        if entry.startswith("License ::") and not entry.endswith("OSI Approved")
    ]
    if classified:
        return ", ".join(classified)
    words = str(body.get("License") or "").strip().splitlines()
    return words[0][:60] if words and words[0] else "not stated"


def _size(dist: metadata.Distribution) -> int:
    total = 0
    for file in dist.files or ():
        path = Path(str(dist.locate_file(file)))
        if path.suffix != ".pyc" and path.is_file():
            total += path.stat().st_size
    if dist.name == "routerterm" and total < 100_000:  # an editable install: what a wheel would carry
        parts = [*(ROOT / "src").rglob("*"), *(ROOT / "themes").rglob("*")]
        total = sum(part.stat().st_size for part in parts if part.is_file() and part.suffix != ".pyc")
    return total


def _reasons() -> dict[str, str]:
    """The comments beside the dependencies in pyproject.toml."""
    found = {}
    for line in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines():
        if match := _COMMENTED.match(line):
            found.setdefault(_key(match[1]), match[2])
    return found


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Print the table; 1 if a package states no licence."""
    arguments = sys.argv[1:]
    extras = [arguments[n + 1] for n, word in enumerate(arguments) if word == "--extra"]
    rows = packages(extras)
    total = sum(row.size for row in rows) / 1e6
    if "--markdown" in arguments:
        print("| package | MB | licence | why |\n|---|---:|---|---|")
        for row in rows:
            print(f"| {row.name} | {row.size / 1e6:.1f} | {row.licence} | {row.why} |")
    else:
        for row in rows:
            print(f"{row.name:<22}{row.version:<12}{row.size / 1e6:>6.1f} MB  {row.licence:<34}{row.why}")
    print(f"\n{len(rows)} packages, {total:.0f} MB")
    unstated = [row.name for row in rows if row.licence == "not stated"]
    if unstated:
        print(f"no licence stated: {', '.join(unstated)}")
    return 1 if unstated else 0


if __name__ == "__main__":
    sys.exit(main())
