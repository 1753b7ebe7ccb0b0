#!/bin/sh
# Fetch the CommonMark specification, whose examples tests/tui/transcript/test_spec.py streams; not ours to copy here.
set -eu
cd "$(dirname "$0")/.."
spec=.venv/commonmark-spec.txt
[ ! -s "$spec" ] || exit 0
pip=python3
! .venv/bin/python -m pip --version >/dev/null 2>&1 || pip=.venv/bin/python
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$pip" -m pip --disable-pip-version-check download --quiet --no-deps --no-binary :all: --dest "$folder" commonmark==0.9.2
tar -xzf "$folder"/commonmark-0.9.2.tar.gz -C "$folder"
mv "$folder"/commonmark-0.9.2/spec.txt "$spec"
