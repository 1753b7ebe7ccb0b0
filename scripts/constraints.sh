#!/bin/sh
# Write constraints.txt and requirements/ anew: the newest versions that fit together, tried in an empty environment.
# constraints.txt holds names and versions; requirements/ the same with the hashes of every file, for each Python, system
# and processor that is meant, and without a word about where files come from.  `constraints.sh locks` keeps the versions.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/python" -m pip --disable-pip-version-check "$@"; }
pip install --quiet --upgrade 'pip>=25.1' uv
if [ "${1:-}" != locks ]; then
    pip install --quiet --upgrade '.[local,images,pdf,serve,postgresql,redis,otel]' --group test --group lint
    {
        echo '# Versions that were tested together; made by `make constraints`.'
        pip freeze --exclude routerterm --exclude uv | grep -E '^[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+$' | sort -f
    } >constraints.txt
fi

lock() { # FILE ARGUMENTS…
    file=requirements/$1
    shift
    "$work/venv/bin/uv" pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-header \
        --no-annotate --no-emit-index-url --constraint constraints.txt --output-file "$work/lock" "$@"
    { echo '# Every file that may be installed, by its sha256; made by `make constraints`.' && cat "$work/lock"; } >"$file"
    rm "$work/lock"
}

echo xllamacpp >"$work/local.in"
lock local.txt --no-deps "$work/local.in"
lock run.txt pyproject.toml --extra serve
lock site.txt --group site
lock test.txt pyproject.toml --extra serve --extra images --group test --group lint
