#!/bin/sh
# Format, lint, types and import contracts; says every fault before it fails.
set -u
cd "$(dirname "$0")/.."
sh scripts/setup.sh test || exit 1
status=0
.venv/bin/ruff format --check . || status=1
.venv/bin/ruff check . || status=1
.venv/bin/mypy || status=1
.venv/bin/lint-imports || status=1
exit $status
