#!/bin/sh
# Write constraints.txt anew: the newest versions that fit together, tried in an empty environment.  Names and versions only.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/python" -m pip --disable-pip-version-check "$@"; }
pip install --quiet --upgrade 'pip>=25.1'
pip install --quiet --upgrade '.[local,images,serve]' --group test --group lint
{
    echo '# Versions that were tested together; made by `make constraints`.'
    pip freeze --exclude routerterm | grep -E '^[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+$' | sort -f
} >constraints.txt
