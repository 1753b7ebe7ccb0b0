#!/bin/sh
# Bring the small local model, so that the chat answers without a key: its weights, and what its engine needs of the system.
# Where all is here it starts no Python.  Fails where there will be no local model, after it has said why.
set -eu
cd "$(dirname "$0")/.."
here=.venv/.model failed=.venv/.model-failed
for_places="${ROUTERTERM_MODEL_DIR-}|${ROUTERTERM_HOME-}|${XDG_DATA_HOME-}|${HOME-}"

say() { printf '%s\n' "$*" >&2; }

is_here() {
    [ -r "$here" ] || return 1
    { read -r places && read -r size && read -r file; } <"$here" || return 1
    [ "$places" = "$for_places" ] && [ -f "$file" ] && [ "$(wc -c <"$file")" -eq "$size" ]
}

lacks_openmp() {
    ! .venv/bin/python -c 'import sys; from routerterm.config.local_model import lacks_openmp; sys.exit(lacks_openmp())'
}

# Without the right to install anything: the package's library alone, put into this environment.  apt checks what it fetches.
put_openmp_here() {
    folder=$(mktemp -d)
    if (cd "$folder" && apt-get -qq download libgomp1 && dpkg-deb -x libgomp1_*.deb .) >/dev/null 2>&1 9<&- &&
        cp -L "$folder"/usr/lib/*/libgomp.so.1 .venv/lib/libgomp.so.1 && ! lacks_openmp; then
        say "The local model's engine needs Debian's libgomp1: it is in .venv now, and nowhere else."
        rm -rf "$folder"
        return
    fi
    rm -rf "$folder"
    return 1
}

add_openmp() {
    if command -v apt-get >/dev/null 2>&1; then
        may=
        if [ "$(id -u)" = 0 ]; then
            may=env
        elif command -v sudo >/dev/null 2>&1; then
            may='sudo -n'
            [ ! -t 0 ] || may=sudo
        fi
        if [ -n "$may" ]; then
            say "The local model needs Debian's libgomp1, which is not here: $([ "$may" = env ] || printf 'sudo ')apt-get install libgomp1"
            apt() { DEBIAN_FRONTEND=noninteractive $may apt-get -qq "$@" >/dev/null 2>&1 9<&-; }
            [ "$may" != sudo ] || sudo -v || true # asks for the password, if it must
            if apt install -y --no-install-recommends libgomp1 || { apt update && apt install -y --no-install-recommends libgomp1; }; then
                return
            fi
        fi
        ! put_openmp_here || return 0
        say "The local model cannot run here yet. It needs: sudo apt install libgomp1"
    else
        say "The local model cannot run here yet: this system lacks libgomp.so.1 (its package is called libgomp or gcc-libs)."
    fi
    return 1
}

! is_here || exit 0
.venv/bin/python -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("xllamacpp") is None)' || {
    say "There is no local model for this system; the demo and your own keys work all the same."
    exit 1
}
! lacks_openmp || add_openmp || exit 1
# without a network each start would wait for it again
if [ -n "$(find "$failed" -mmin -60 2>/dev/null)" ] && [ "${1:-}" != again ]; then
    say "The local model is not here yet: \`.venv/bin/routerterm local fetch\` brings it."
    exit 1
fi
.venv/bin/routerterm local fetch || {
    : >"$failed"
    exit 1
}
rm -f "$failed"
file=$(.venv/bin/python -c 'from routerterm.config.local_model import SMOLLM2, weights_file
from routerterm.config.paths import Paths
print(weights_file(Paths.find(), SMOLLM2))')
printf '%s\n%s\n%s\n' "$for_places" "$(wc -c <"$file")" "$file" >"$here"
