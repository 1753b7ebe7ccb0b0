#!/bin/sh
# Fetch the CommonMark specification, whose examples tests/tui/transcript/test_spec.py streams; not ours to copy here.
set -eu
cd "$(dirname "$0")/.."
spec=.venv/commonmark-spec.txt
[ ! -s "$spec" ] || exit 0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf 'commonmark==0.9.2 --hash=sha256:%s\n' 194d693e0c1ac49e83c26455bdeeb2483235e6280313c58b11d0b71c19f58ed1 >"$folder/requirements.txt"
# pip looks into what it fetched with the setuptools of this environment, so that none is fetched for it
.venv/bin/python -m pip --disable-pip-version-check download --quiet --no-deps --no-binary :all: --no-build-isolation \
    --require-hashes --requirement "$folder/requirements.txt" --dest "$folder"
tar --no-same-owner -xzf "$folder"/commonmark-0.9.2.tar.gz -C "$folder"
mv "$folder"/commonmark-0.9.2/spec.txt "$spec"
