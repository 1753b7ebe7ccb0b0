#!/bin/sh
# Make .venv and put routerterm into it: `setup.sh` for use, `setup.sh test` with all that the tests and checks need.
# Takes uv where there is one, else python3 with its venv module.  Does nothing where nothing has changed.
set -eu
cd "$(dirname "$0")/.."

kind=${1:-use}
extras=local
[ "$kind" = use ] || extras=local,images,serve
groups=
[ "$kind" = use ] || groups='--group test --group lint'

say() { printf '%s\n' "$*" >&2; }

stamp() { cat pyproject.toml constraints.txt scripts/setup.sh | cksum; pwd; }

if [ -x .venv/bin/routerterm ] && .venv/bin/python -c '' 2>/dev/null; then
    for made in "$kind" test; do
        [ "$(cat ".venv/.$made" 2>/dev/null)" != "$(stamp)" ] || exit 0
    done
fi

find_python() {
    for name in python3 python3.13 python3.12 python3.11 python3.14; do
        if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

say "routerterm: setting up its own environment in .venv (once; a minute or two)…"
if command -v uv >/dev/null 2>&1; then
    [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null || uv venv --quiet --clear --python '>=3.11' .venv
    install() { uv pip install --quiet --python .venv/bin/python --constraint constraints.txt "$@"; }
else
    python=$(find_python) || {
        say "routerterm needs Python 3.11 or newer, and found none."
        say "  hint: sudo apt install python3 python3-venv"
        exit 1
    }
    if ! { [ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
        "$python" -m venv --clear .venv >/dev/null 2>&1 || {
            say "Python's venv module is missing or incomplete."
            say "  hint: sudo apt install python3-venv"
            exit 1
        }
    fi
    install() { .venv/bin/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt "$@"; }
    install --upgrade 'pip>=25.1' # the first that knows dependency groups
fi

if ! install --editable ".[$extras]" $groups; then
    [ "$kind" = use ] || exit 1
    say "Not everything could be installed; trying without the small local model."
    install --editable .
fi
stamp >".venv/.$kind"
