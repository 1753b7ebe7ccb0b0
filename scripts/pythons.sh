#!/bin/sh
# Build wheel and sdist, and use both in empty environments on every Python that is meant and here: 3.11, 3.12, 3.13.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
sh scripts/setup.sh test
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$root/.venv/bin/hatchling" build -d "$work/dist" >/dev/null 2>&1
tar -tzf "$work"/dist/*.tar.gz | grep -q '/docs/routerterm.1$' || { echo "the sdist lacks the man page"; exit 1; }

find_python() { # 3.12
    if "python$1" -c '' >/dev/null 2>&1; then command -v "python$1" && return; fi # a shim of pyenv's may lead nowhere
    if command -v uv >/dev/null 2>&1; then uv python find --no-python-downloads "$1" 2>/dev/null && return; fi
    for python in "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        [ -x "$python" ] && echo "$python" && return
    done
    return 1
}

try() { # ENVIRONMENT ARGUMENTS…
    program=$1/bin/routerterm
    shift
    (cd "$work" && env -i HOME="$work/home" PATH=/usr/bin:/bin LANG=C.UTF-8 "$program" "$@")
}

smoke() { # ENVIRONMENT
    try "$1" --version >/dev/null
    try "$1" config check >/dev/null
    [ "$(try "$1" ask -m demo/echo 'it answers')" = 'it answers' ]
    [ -f "$1/share/man/man1/routerterm.1" ]
    try "$1" doctor program home history >/dev/null
}

status=0
for version in 3.11 3.12 3.13; do
    if ! python=$(find_python "$version"); then
        echo "Python $version: not here, skipped"
        continue
    fi
    began=$(date +%s)
    env=$work/$version
    "$python" -m venv "$env"
    pip() { "$env/bin/python" -m pip --disable-pip-version-check install --quiet --constraint constraints.txt "$@"; }
    if pip "$work"/dist/*.whl && smoke "$env" &&
        pip --force-reinstall --no-deps "$work"/dist/*.tar.gz && smoke "$env"; then
        echo "Python $version: wheel and sdist are good ($(($(date +%s) - began)) s)"
    else
        echo "Python $version: FAILED"
        status=1
    fi
    rm -rf "$env"
done
exit $status
