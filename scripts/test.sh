#!/bin/sh
# Set everything up and run all tests that this machine can run, some beside each other on every core; arguments go to pytest.
# With ROUTERTERM_COVERAGE it also notes which lines run (scripts/coverage.sh).
set -eu
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE # what a worker has compiled serves the next run
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
# tests wait for a program, a terminal or a pause a third of the time
workers=$((cores < 4 ? cores * 2 : cores < 8 ? 8 : cores))
sh scripts/setup.sh test
sh scripts/model.sh || printf '%s\n' "The tests with the real model are skipped." >&2
sh scripts/npm_servers.sh >&2
sh scripts/spec.sh || printf '%s\n' "The tests with the CommonMark specification are skipped." >&2

if command -v dbus-run-session >/dev/null 2>&1 && command -v gnome-keyring-daemon >/dev/null 2>&1; then
    # a Secret Service of the tests' own: its keys live and end in a throw-away home
    models=$(.venv/bin/routerterm config path models)
    home=$(mktemp -d)
    trap 'rm -rf "$home"' EXIT
    status=0
    HOME=$home XDG_DATA_HOME=$home/data XDG_RUNTIME_DIR=$home ROUTERTERM_MODEL_DIR=$models \
        dbus-run-session -- sh -c '
            printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
            exec .venv/bin/python ${ROUTERTERM_COVERAGE:+-m coverage run} -m pytest -q -n "$0" --dist worksteal --durations=15 --durations-min=5 "$@"' "$workers" "$@" </dev/null || status=$?
    exit $status
fi
exec .venv/bin/python ${ROUTERTERM_COVERAGE:+-m coverage run} -m pytest -q -n "$workers" --dist worksteal --durations=15 --durations-min=5 "$@" </dev/null
