#!/bin/sh
# Build the wheels and the sdist, install them into empty environments on every Python that is meant and here (3.11 to
# 3.14), and use them there as a stranger would: the program, and the library alone.  A Python that is not here is named
# and left out.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
sh scripts/setup.sh test
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$root/.venv/bin/hatchling" build -d "$work/dist" >/dev/null 2>&1
.venv/bin/python scripts/split_wheel.py "$work/dist"
tar -tzf "$work"/dist/*.tar.gz | grep -q '/docs/routerterm.1$' || { echo "the sdist lacks the man page"; exit 1; }

find_python() { # 3.12
    if "python$1" -c '' >/dev/null 2>&1; then command -v "python$1" && return; fi # a shim of pyenv's may lead nowhere
    if command -v uv >/dev/null 2>&1; then uv python find --no-python-downloads "$1" 2>/dev/null && return; fi
    for python in "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        [ -x "$python" ] && echo "$python" && return
    done
    return 1
}

put() { # ENVIRONMENT ARGUMENTS…
    env=$1
    shift
    if command -v uv >/dev/null 2>&1; then
        uv pip install --quiet --python "$env/bin/python" --constraint constraints.txt "$@"
    else
        "$root/.venv/bin/python" -m pip --disable-pip-version-check --python "$env/bin/python" install --quiet \
            --no-compile --constraint constraints.txt "$@"
    fi
}

try() { # ENVIRONMENT PROGRAM ARGUMENTS…
    program=$1/bin/$2
    shift 2
    (cd "$work" && env -i HOME="$work/home" PATH=/usr/bin:/bin LANG=C.UTF-8 "$program" "$@")
}

smoke() { # ENVIRONMENT
    try "$1" routerterm --version | grep -qF "$ours" &&
        try "$1" routerterm config check >/dev/null &&
        [ "$(try "$1" routerterm ask -m demo/echo 'a wheel that answers')" = 'a wheel that answers' ] &&
        try "$1" routerterm doctor program home history >/dev/null &&
        [ -f "$1/share/man/man1/routerterm.1" ] &&
        try "$1" python -c '
from importlib.util import find_spec
from routerterm.config.paths import built_in_themes
themes = sorted(file.stem for file in built_in_themes().glob("*.toml"))
assert len(themes) > 10 and "site-packages" in str(built_in_themes()), themes
assert find_spec("xllamacpp") is None, "a plain install must be light"'
}

library() { # ENVIRONMENT
    try "$1" python -c '
import sys
from importlib.util import find_spec
assert not [name for name in ("textual", "rich", "click", "keyring", "sqlite_utils") if find_spec(name)]
exec(sys.stdin.read())' <"$work/library.py" | grep -q '^Hello, world$'
}

every() { # PYTHON ENVIRONMENT
    "$1" -m venv --without-pip "$2" && put "$2" "$work"/dist/routerterm_core-*.whl && library "$2" &&
        put "$2" "$work"/dist/routerterm_core-*.whl "$work"/dist/routerterm-*.whl && smoke "$2" && rm -rf "$2" &&
        "$1" -m venv --without-pip "$2" && put "$2" "$work"/dist/*.tar.gz && smoke "$2"
}

ours=$(.venv/bin/python -c 'import routerterm; print(routerterm.__version__)')
sed -n '/^```python$/,/^```$/{/^```/!p;/^```$/q}' docs/library.md >"$work/library.py"
status=0 tried=0
for version in 3.11 3.12 3.13 3.14; do
    if ! python=$(find_python "$version"); then
        echo "Python $version: not here, left out"
        continue
    fi
    began=$(date +%s) tried=$((tried + 1))
    if every "$python" "$work/$version"; then
        echo "Python $version: wheels and sdist are good ($(($(date +%s) - began)) s)"
    else
        echo "Python $version: FAILED"
        status=1
    fi
    rm -rf "${work:?}/$version"
done
[ "$tried" -gt 0 ] || { echo "no Python of 3.11 to 3.14 is here"; exit 1; }
exit $status
