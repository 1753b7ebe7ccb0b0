#!/bin/sh
# Make .venv and put routerterm into it: `setup.sh use` for use, `setup.sh test` with all that the tests and checks need.
# Takes uv where there is one, else python3 with its venv module.  Every package is held to the hashes in requirements/.
# Where nothing has changed it starts neither Python nor pip; what was interrupted is done again.
set -eu
cd "$(dirname "$0")/.."

kind=${1:-use}
packages=requirements/run.txt
[ "$kind" = use ] || packages=requirements/test.txt
log=.venv/.log
job=

say() { printf '%s\n' "$*" >&2; }

fail() { # WHAT HINT
    say "$1"
    say "  hint: $2"
    exit 1
}

stamp() {
    cat pyproject.toml constraints.txt requirements/*.txt scripts/setup.sh | cksum
    pwd
    readlink -f .venv/bin/python || true # another Python after an upgrade of the system is another environment
}

is_current() {
    [ -x .venv/bin/routerterm ] && [ -x .venv/bin/python ] || return 1
    now=$(stamp)
    for made in "$kind" test; do
        [ "$(cat ".venv/.$made" 2>/dev/null)" != "$now" ] || return 0
    done
    return 1
}

find_python() {
    for name in python3 python3.13 python3.12 python3.11 python3.14; do
        if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# Run a command: a moving line on a terminal, two lines elsewhere.  Its own words go to the log.
working() { # TITLE PACKAGES COMMAND…
    title=$1 all=$2 began=$(date +%s) code=0
    shift 2
    [ -t 2 ] || say "  $title…"
    "$@" >>"$log" 2>&1 &
    job=$!
    while kill -0 "$job" 2>/dev/null; do
        if [ -t 2 ]; then
            now=
            if [ "$all" -gt 0 ]; then
                now=$(grep -c '^Collecting ' "$log" || true)
                if grep -q '^Installing collected' "$log"; then now=", unpacking"; else now=", $now of $all"; fi
            fi
            printf '\r\033[K  %s%s, %s s' "$title" "$now" $(($(date +%s) - began)) >&2
        fi
        sleep 0.3 2>/dev/null || sleep 1
    done
    wait "$job" || code=$?
    job=
    [ ! -t 2 ] || printf '\r\033[K' >&2
    took=$(($(date +%s) - began))
    if [ "$code" = 0 ]; then say "  $title: done, $took s"; else say "  $title: failed after $took s"; fi
    return "$code"
}

stop() { # a shell's background job does not hear Ctrl+C
    [ -z "$job" ] || kill "$job" 2>/dev/null || true
    say ''
    say "Stopped. The next time it goes on from here."
    exit 130
}
trap stop INT TERM HUP

count() { cat "$@" | grep -c '^[a-zA-Z0-9]'; }

with_uv() { # FILES
    if [ ! -x .venv/bin/python ] || [ -e .venv/.installing ]; then
        working "Python environment (uv)" 0 uv venv --clear --python '>=3.11' .venv || return 1
    fi
    : >.venv/.installing
    # shellcheck disable=SC2086
    working "Packages ($(count $1), with uv)" 0 \
        uv pip install --python .venv/bin/python --require-hashes --no-deps $(printf -- '-r %s ' $1)
}

with_pip() { # FILES
    if [ ! -x .venv/bin/python ] || [ -e .venv/.installing ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        python=$(find_python) || fail "routerterm needs Python 3.11 or newer, and found none." "sudo apt install python3 python3-venv"
        working "Python environment" 0 "$python" -m venv --clear .venv ||
            fail "Python's venv module is missing or incomplete." "sudo apt install python3-venv"
    fi
    : >.venv/.installing
    : >"$log"
    # compiling comes later, beside the download of the model
    # shellcheck disable=SC2086
    working "Packages" "$(count $1)" .venv/bin/python -m pip --disable-pip-version-check --no-input install \
        --no-compile --require-hashes --no-deps --progress-bar off $(printf -- '-r %s ' $1)
}

install() { # FILES
    if command -v uv >/dev/null 2>&1; then
        with_uv "$1" && return
        say "uv could not; trying Python's own pip."
    fi
    with_pip "$1"
}

# The program itself, in place: nothing is built for it, so that nothing is fetched to build it.
link() {
    packages_here=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    pwd | sed 's#$#/src#' >"$packages_here/_routerterm.pth"
    cat >.venv/bin/routerterm <<END
#!/bin/sh
'''exec' "$PWD/.venv/bin/python" "\$0" "\$@"
' '''
import sys
from routerterm.cli.main import main
sys.exit(main())
END
    chmod +x .venv/bin/routerterm
    [ "$kind" = use ] || # the tests ask for the program's own metadata
        .venv/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
}

! is_current || exit 0
exec 9<pyproject.toml
! command -v flock >/dev/null 2>&1 || flock 9 # two at once: the second finds it done
! is_current || exit 0

say "routerterm: setting up its own environment in .venv (once)"
mkdir -p .venv
: >"$log"
if ! install "$packages requirements/local.txt"; then
    tail -n 3 "$log" >&2
    say "Not everything could be installed; trying without the small local model."
    rm -f .venv/.installing
    install "$packages" || {
        grep -iE '^(error|fatal|×)' "$log" | tail -n 3 >&2
        fail "The packages could not be installed." "look into $log, check the network, and try again: what came is kept"
    }
fi
link
rm -f .venv/.installing
compile='nice .venv/bin/python -m compileall -q -j 0 .venv/lib src >/dev/null 2>&1 || true'
if [ "$kind" = use ]; then
    (exec 9<&- && eval "$compile") &
else # every worker of the tests would compile all of it for itself
    working "Compiling" 0 sh -c "$compile"
fi
stamp >".venv/.$kind"
