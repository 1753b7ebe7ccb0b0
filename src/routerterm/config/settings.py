"""The person's settings: ``config.toml`` and the environment, read once and checked.

A file that was found good is kept as values beside the program's state.  As long as the file's size and time and this
version are the same, those are read instead: they need no pydantic, which takes longer than the rest of a start.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from routerterm import __version__
from routerterm.config import atomic_file, schema
from routerterm.config.paths import Paths
from routerterm.config.schema import Settings
from routerterm.core.errors import SettingsError
from routerterm.core.toml import load_toml

if TYPE_CHECKING:
    from routerterm.config.problems import Problem
    from routerterm.config.toml_positions import Key

Check: TypeAlias = "Callable[[Mapping[str, Any]], Iterable[Problem]]"
"""Looks at all of ``config.toml`` for what only another room knows: the commands of the chat, the themes."""
Stamp = tuple[str, int, int, int, str]


class _Snapshot(Struct, frozen=True):
    """Settings that were found good, and of which file by which program."""

    stamp: Stamp
    settings: Settings


def load_settings(paths: Paths, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this person.  Raises `SettingsError` that names file, line and the nearest valid name."""
    stamp = _stamp(paths)
    settings = Settings() if stamp is None else _kept(paths, stamp)
    if settings is None:
        from routerterm.config.problems import first_of

        settings, problems = _checked(read_text(paths))
        if problems:
            raise first_of(problems, paths.config_file)
        assert settings is not None, "without a problem there are settings"
        if stamp is not None:
            _keep(paths, stamp, settings)
    return _with_environment(settings, os.environ if environ is None else environ)


def check_settings(
    paths: Paths, environ: Mapping[str, str] | None = None, also: Sequence[Check] = ()
) -> tuple[Settings | None, tuple[Problem, ...]]:
    """The settings as far as they can be read, and everything that is wrong with them."""
    return check_text(read_text(paths), environ, also)


def check_text(
    text: str, environ: Mapping[str, str] | None = None, also: Sequence[Check] = ()
) -> tuple[Settings | None, tuple[Problem, ...]]:
    """The same for the text of a ``config.toml``; no settings where an entry cannot be what it should be."""
    settings, problems = _checked(text, also)
    if settings is not None:
        settings = _with_environment(settings, os.environ if environ is None else environ)
    return settings, problems


def overlaid_settings(paths: Paths, file: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings with what another file says instead, entry by entry.

    Raises `SettingsError` that names the other file and the line.
    """
    from decimal import Decimal

    from routerterm.config.problems import first_of

    try:
        text = atomic_file.read_regular(file).decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise SettingsError(f"{file} is not UTF-8 text.", "Save it as UTF-8.") from None
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}.") from error
    load_settings(paths, environ)  # what is wrong there is not this file's mistake
    under = load_toml(read_text(paths), parse_float=Decimal)
    settings, problems = _checked(text, under=under)
    if settings is None or problems:
        raise first_of(problems, file)
    return _with_environment(settings, os.environ if environ is None else environ)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """Tables entry by entry."""
    found = dict(under)
    for name, value in over.items():
        below = found.get(name)
        both = isinstance(below, dict) and isinstance(value, dict)
        found[name] = _merged(below, value, depth + 1) if both and depth < _DEEPEST_TABLE else value  # type: ignore[arg-type]  # both are
    return found


_DEEPEST_TABLE = 2
"""``models."openai/x".price_in`` lies two tables deep."""


def read_text(paths: Paths) -> str:
    """The text of ``config.toml``; empty where there is none.  Raises `SettingsError`."""
    try:
        return atomic_file.read_regular(paths.config_file).decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise SettingsError(f"{paths.config_file} is not UTF-8 text.", "Save it as UTF-8.") from None
    except NotADirectoryError:
        raise SettingsError(
            f"{paths.config_file.parent} is not a folder.", "Move it away, or name another place in ROUTERTERM_HOME."
        ) from None
    except OSError as error:
        raise SettingsError(
            f"{paths.config_file} cannot be read: {error.strerror}.", "Check its owner and permissions."
        ) from error


def _checked(
    text: str, also: Sequence[Check] = (), under: Mapping[str, Any] | None = None
) -> tuple[Settings | None, tuple[Problem, ...]]:
    import tomllib
    from decimal import Decimal

    from pydantic import ValidationError

    from routerterm.config.problems import from_syntax, from_validation, in_place, without
    from routerterm.config.reference_checks import check_names, known_here
    from routerterm.config.toml_positions import positions
    from routerterm.config.validation import model_of, validated

    try:
        body: dict[str, Any] = load_toml(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        return None, (from_syntax(error),)
    lines = positions(text)
    body = body if under is None else _merged(under, body)
    problems: list[Problem] = []
    left_out: list[Key] = []
    settings: Settings | None = None
    sound = body
    while settings is None:
        try:
            settings = validated(sound)
        except ValidationError as error:
            wrong_here: list[Key] = [each["loc"] for each in error.errors()]
            if not left_out:  # what else is wrong later is so because something was left out
                problems += from_validation(error, model_of(Settings), lines)
            left_out += wrong_here
            before, sound = sound, without(sound, wrong_here)
            if sound == before:
                return None, tuple(problems)
    wrong = [*check_names(settings, known_here())] if body else []
    if left_out:  # what was left out above is not missed a second time
        wrong = [problem for problem in wrong if not _follows(problem, left_out)]
    wrong += [problem for check in also for problem in check(body)]
    problems += [in_place(problem, lines) for problem in wrong]
    return None if left_out else settings, tuple(problems)


def _follows(problem: Problem, left_out: Sequence[Key]) -> bool:
    """Whether a problem may be there only because these entries were left out."""
    names = {str(step) for key in left_out for step in key}
    named = any(f'"{name}"' in problem.message for name in names)
    return named or any(key[: len(problem.key)] == problem.key for key in left_out)


def _stamp(paths: Paths) -> Stamp | None:
    """What a snapshot must agree with: the file as it is now, and the program; None where there is no file."""
    try:
        found = os.stat(paths.config_file)
    except FileNotFoundError:
        return None
    except OSError:
        return _NEVER
    code = os.stat(schema.__file__)
    return str(paths.config_file), found.st_size, found.st_mtime_ns, code.st_mtime_ns, __version__


_NEVER: Stamp = ("", -1, -1, -1, "")
"""Agrees with nothing: the file is read, and says itself what is wrong with it."""


def _kept(paths: Paths, stamp: Stamp) -> Settings | None:
    try:
        found = msgspec.msgpack.decode(_snapshot_file(paths).read_bytes(), type=_Snapshot)
    except (OSError, msgspec.MsgspecError):
        return None  # none yet, or of another version: the file itself is read
    return found.settings if found.stamp == stamp and stamp != _NEVER else None


def _keep(paths: Paths, stamp: Stamp, settings: Settings) -> None:
    if stamp == _NEVER or _stamp(paths) != stamp:  # changed while it was read
        return
    file = _snapshot_file(paths)
    with suppress(OSError):  # a disk that cannot be written costs the next start a check, nothing else
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic_file.atomic_write(file, msgspec.msgpack.encode(_Snapshot(stamp, settings)))


def _snapshot_file(paths: Paths) -> Path:
    return paths.state / "settings.snapshot"


def _with_environment(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings with what the environment says instead: ``AI_PROXY_URL``, else ``PROXY_URL``."""
    proxy = environ.get("AI_PROXY_URL") or environ.get("PROXY_URL")
    return replace(settings, router=replace(settings.router, proxy=proxy)) if proxy else settings
