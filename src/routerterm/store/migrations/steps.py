"""Every migration by its name; imported only where there is something to migrate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from routerterm.store.migrations.m0001_tables import tables
from routerterm.store.migrations.m0002_tally import tally
from routerterm.store.migrations.m0003_guard import guard
from routerterm.store.migrations.m0004_gateway import gateway
from routerterm.store.migrations.m0005_imports import imports
from routerterm.store.migrations.m0006_words import words
from routerterm.store.migrations.m0007_responses import responses
from routerterm.store.migrations.m0008_projects import projects
from routerterm.store.migrations.m0009_tools import tools
from routerterm.store.migrations.m0010_causes import causes
from routerterm.store.migrations.m0011_outbox import outbox
from routerterm.store.migrations.m0012_batch_names import batch_names
from routerterm.store.migrations.m0013_held import held
from routerterm.store.migrations.m0014_ranked import ranked
from routerterm.store.migrations.m0015_draft_files import draft_files

if TYPE_CHECKING:
    from sqlite_utils import Database

ALL: Mapping[str, Callable[[Database], None]] = {
    "0001_tables": tables,
    "0002_tally": tally,
    "0003_guard": guard,
    "0004_gateway": gateway,
    "0005_imports": imports,
    "0006_words": words,
    "0007_responses": responses,
    "0008_projects": projects,
    "0009_tools": tools,
    "0010_causes": causes,
    "0011_outbox": outbox,
    "0012_batch_names": batch_names,
    "0013_held": held,
    "0014_ranked": ranked,
    "0015_draft_files": draft_files,
}
"""In the order in which they are taken: the names are `routerterm.store.migrations.NAMES`."""
