"""The steps from an empty file to today's tables, in order.  A released step is never edited: add a new one."""

from __future__ import annotations

NAMES = (
    "0001_tables",
    "0002_tally",
    "0003_guard",
    "0004_gateway",
    "0005_imports",
    "0006_words",
    "0007_responses",
    "0008_projects",
    "0009_tools",
    "0010_causes",
    "0011_outbox",
    "0012_batch_names",
    "0013_held",
    "0014_ranked",
    "0015_draft_files",
)
"""In the order in which they are taken; what each does: `routerterm.store.migrations.steps`."""
