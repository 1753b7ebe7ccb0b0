"""What the doctor says of home and history, and what it puts right."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from tests.cli.program import Ran, routerterm
from tests.store.seeds import seed, sound

from routerterm.config.paths import Paths


def doctor(*arguments: str) -> tuple[int, list[tuple[str, str]]]:
    ran: Ran = routerterm("doctor", "home", "history", "--json", *arguments)
    rows = [json.loads(line) for line in ran.out.splitlines()]
    return ran.code, [(row["level"], row["what"]) for row in rows]


def asked(texts: int = 4) -> Path:
    """A history with a conversation of the program's own and one of many messages."""
    assert routerterm("ask", "-m", "demo/echo", "what is here").code == 0
    path = Paths.find().database
    seed(path, "A long talk", [f"line {n} " * 40 for n in range(texts)])
    return path


def told(found: list[tuple[str, str]], words: str) -> str:
    """The level of the finding that has these words."""
    return next(level for level, what in found if words in what)


def test_a_new_home_is_well(home: Path) -> None:
    code, found = doctor()
    assert code == 0
    assert told(found, "no history yet") == "note"


def test_a_sound_history_is_counted(home: Path) -> None:
    path = asked()
    before = path.read_bytes()
    code, found = doctor()
    assert code == 0
    assert told(found, "2 conversations with 6 messages") == "good"
    assert told(found, "search index agrees") == "good"
    assert path.read_bytes() == before, "looking changed something"


def test_what_others_may_read_is_made_private_again(home: Path) -> None:
    path = asked()
    path.chmod(0o644)
    code, found = doctor()
    assert (code, told(found, "readable by other users")) == (1, "bad")
    assert doctor("--mend")[0] == 0
    assert path.stat().st_mode & 0o077 == 0


def test_a_spoilt_index_is_built_anew(home: Path) -> None:
    path = asked()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DELETE FROM message_fts_data WHERE id > 10")
    connection.close()
    code, found = doctor()
    assert (code, told(found, "search index does not agree")) == (1, "bad")
    code, found = doctor("--mend")
    assert (code, told(found, "search index agrees")) == (0, "good")
    sound(path)


def test_a_damaged_history_is_set_aside_and_saved_as_far_as_it_goes(home: Path) -> None:
    path = asked(400)
    body = bytearray(path.read_bytes())
    pages = len(body) // 4096
    for page in range(pages // 2, pages // 2 + 4):
        body[page * 4096 : page * 4096 + 1024] = b"\xa5" * 1024
    path.write_bytes(body)
    code, found = doctor()
    assert (code, told(found, "The history is damaged")) == (1, "bad")
    assert path.read_bytes() == bytes(body), "without --mend nothing may change"
    code, found = doctor("--mend")
    assert code == 0
    assert told(found, "could be read") == "note"
    assert [p.read_bytes() for p in path.parent.glob("history.db.damaged-*")] == [bytes(body)]
    sound(path)
    assert "what is here" in routerterm("find", "what", "here").out


def test_a_newer_history_is_refused_by_name(home: Path) -> None:
    path = asked()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE meta SET value = '9.9' WHERE name = 'version'")
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('routerterm', '0042_future', '')"
        )
    connection.close()
    code, found = doctor("--mend")
    assert code == 1
    assert told(found, "9.9") == "bad"
