"""Keep today's schema as a fixture when a version is released: python -m tests.store.release_schema

It writes ``schemas/NAME.db.gz`` for every step that has none yet, each filled with one old conversation.
"""

from __future__ import annotations

import gzip
import sqlite3
import tempfile
from pathlib import Path

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from routerterm.store.migrations.steps import ALL
from routerterm.store.schema import SET
from tests.store.seeds import seed

SCHEMAS = Path(__file__).parent / "schemas"


def main() -> None:
    SCHEMAS.mkdir(exist_ok=True)
    for number, name in enumerate(ALL, 1):
        target = SCHEMAS / f"{name}.db.gz"
        if target.exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "history.db"
            migrations = Migrations(SET)
            for step in list(ALL)[:number]:
                migrations(name=step)(ALL[step])
            connection = sqlite3.connect(path)
            migrations.apply(Database(connection, recursive_triggers=False, execute_plugins=False))
            connection.close()
            seed(path, "An old talk", ["An old question?", "An old answer."])
            target.write_bytes(gzip.compress(path.read_bytes(), mtime=0))


if __name__ == "__main__":
    main()
