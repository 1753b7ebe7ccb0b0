#!/bin/sh
# Run tests and say which lines of the program they run, also in the programs that the tests start; arguments go to pytest.
# After a run of all tests it holds them to a floor: below FLOOR per cent of lines and branches it fails.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
FLOOR=90 # also in CONTRIBUTING.md
mkdir -p build/coverage
export COVERAGE_FILE="$PWD/build/coverage/data" COVERAGE_RCFILE="$PWD/pyproject.toml"
rm -f build/coverage/data*
status=0
ROUTERTERM_COVERAGE=1 sh scripts/test.sh "$@" || status=$?
.venv/bin/python -m coverage combine -q
.venv/bin/python -m coverage html -q -d build/coverage/html
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || .venv/bin/python -m coverage report --format=markdown >>"$GITHUB_STEP_SUMMARY"
floor=0
[ $# -gt 0 ] || floor=$FLOOR
.venv/bin/python -m coverage report --sort=cover --fail-under="$floor" || status=1
exit $status
