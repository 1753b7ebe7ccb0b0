#!/bin/sh
# `make run` as a stranger lives it: a fresh copy, an empty home, a terminal; set-up interrupted and taken up again; ask, read,
# leave, come back and find it; leave in mid-answer.
set -eu
cd "$(dirname "$0")/.."
command -v tmux >/dev/null 2>&1 || { echo "tmux is not installed: skipped"; exit 0; }
models=$(.venv/bin/routerterm config path models)
work=$(mktemp -d)
screen() { tmux -S "$work/socket" capture-pane -p -t chat; }
keys() { tmux -S "$work/socket" send-keys -t chat "$@"; }
leave() {
    tmux -S "$work/socket" kill-server 2>/dev/null || true
    rm -rf "$work"
}
trap leave EXIT

wait_for() { # SECONDS WORDS
    left=$1
    until screen | grep -qE "$2"; do
        left=$((left - 1))
        if [ "$left" -le 0 ]; then
            echo "no \"$2\" on the screen:"
            screen
            exit 1
        fi
        sleep 1
    done
    echo "seen: $2"
}

mkdir "$work/copy"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -xf - -C "$work/copy"
open() {
    tmux -S "$work/socket" -f /dev/null new-session -d -s chat -x 110 -y 32 \
        "trap : INT; ROUTERTERM_HOME='$work/home' ROUTERTERM_MODEL_DIR='$models' make -C '$work/copy' --no-print-directory run; echo LEFT \$?; sleep 600"
}

close() {
    tmux -S "$work/socket" kill-server
    sleep 1
    rm -f "$work/socket"
}

open
wait_for 60 'Packages'
keys C-c
wait_for 30 'LEFT'
close
open
wait_for 300 'F10|Quit'
sleep 2
keys Escape
sleep 1
keys -l 'What colour is the sky on a clear day?'
sleep 1
keys Enter
wait_for 180 'smollm2 .* tok .* [$]0'
keys C-q
wait_for 30 'LEFT 0'
close
open
wait_for 60 'What colour'
keys F5
sleep 1
keys -l 'sky'
wait_for 30 'clear day'
keys Enter
wait_for 30 'on a clear day'
keys -l 'Write a long story about a lighthouse keeper.'
sleep 1
keys Enter
wait_for 60 '▸ local/smollm2 *[0-9:]+ *│$'
keys C-q
wait_for 30 'LEFT 0'
if screen | grep -vE '^(LEFT 0)?$'; then
    echo "more than nothing is left on the screen"
    exit 1
fi
echo "make run: interrupted, taken up, asked, answered by the local model, left, came back, found, left in mid-answer"
