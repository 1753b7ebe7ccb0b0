#!/bin/sh
# Repeat tests in a random order beside a load, to find those that wait for time instead of for what they need:
# `flaky.sh TIMES [PYTEST ARGUMENTS]`; without arguments it takes the test files that differ from main or are not committed.
set -eu
cd "$(dirname "$0")/.."
times=${1:-5}
[ $# = 0 ] || shift
sh scripts/setup.sh test
if [ $# = 0 ]; then
    base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null || git rev-parse HEAD)
    changed=$({ git diff --name-only --diff-filter=d "$base" -- tests && git ls-files --others --exclude-standard tests; } |
        grep -E '/test_[^/]*\.py$' | sort -u || true)
    if [ -z "$changed" ]; then
        echo 'No test file has changed; name some: make flaky ARGS="tests/store"'
        exit 0
    fi
    # shellcheck disable=SC2086
    set -- $changed
fi

cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
load=
leave() {
    for each in $load; do kill "$each" 2>/dev/null || true; done
}
trap leave EXIT
trap 'exit 130' INT TERM
for _ in $(seq $((cores * 4))); do
    (trap - INT TERM; while :; do :; done) &
    load="$load $!"
done

round=0 failed=
while [ "$round" -lt "$times" ]; do
    round=$((round + 1))
    seed=$(($(date +%s) + round))
    echo "== round $round of $times, order $seed"
    .venv/bin/python -m pytest -q -n "$cores" -p randomly -p "no:cacheprovider" --randomly-seed="$seed" --randomly-dont-reset-seed \
        "$@" </dev/null || failed="$failed $seed"
done
if [ -n "$failed" ]; then
    echo "failed in the orders:$failed (again: make flaky N=1 ARGS=\"-p randomly --randomly-seed=ORDER …\")"
    exit 1
fi
echo "$times rounds beside a load of $((cores * 4)): all passed"
