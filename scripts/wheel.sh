#!/bin/sh
# Build the wheel, install it into an empty environment, and use it there as a stranger would.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sh scripts/setup.sh test
if command -v uv >/dev/null 2>&1; then
    uv build --quiet --wheel --out-dir "$work" .
    uv venv --quiet "$work/venv"
    uv pip install --quiet --python "$work/venv/bin/python" --constraint constraints.txt "$work"/*.whl
else
    .venv/bin/python -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir "$work" .
    .venv/bin/python -m venv "$work/venv"
    "$work/venv/bin/python" -m pip --disable-pip-version-check install --quiet --constraint "$root/constraints.txt" "$work"/*.whl
fi
cd "$work"
try() {
    program=$work/venv/bin/$1
    shift
    env -i HOME="$work/home" PATH=/usr/bin:/bin LANG=C.UTF-8 "$program" "$@"
}
try routerterm --version
try routerterm config check
try routerterm ask -m demo/echo 'a wheel that answers' | grep -q 'a wheel that answers'
try python -c '
from importlib.util import find_spec
from routerterm.config.paths import built_in_themes
themes = sorted(file.stem for file in built_in_themes().glob("*.toml"))
assert themes and "site-packages" in str(built_in_themes()), themes
assert find_spec("xllamacpp") is None, "a plain install must be light"
print(len(themes), "themes came with the wheel")'
