#!/bin/sh
# Look for known holes in all that is installed, by pip-audit in an environment of its own; the table of licences besides.
# Where the lists of holes cannot be reached, that is said and the exit code is 3: nothing was found because nothing was asked.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
tool=build/audit/bin/pip-audit
[ -x "$tool" ] || { python3 -m venv build/audit && build/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
.venv/bin/python -m pip freeze --disable-pip-version-check --exclude-editable 2>/dev/null | grep -E '^[A-Za-z0-9._-]+==' >"$work/all"
count=$(wc -l <"$work/all")
for service in osv pypi; do
    status=0
    timeout 300 "$tool" --vulnerability-service "$service" --requirement "$work/all" --no-deps --disable-pip \
        >"$work/out" 2>"$work/err" || status=$?
    unknown=$(grep -c 'could not be audited' "$work/out" || true)
    if grep -qE 'ConnectionError|ServiceError|NameResolution' "$work/err" || [ "$unknown" -ge "$count" ]; then
        echo "$service: could not be asked"
        continue
    fi
    cat "$work/out"
    [ "$status" = 0 ] && echo "$service: no known hole in $((count - unknown)) of $count packages"
    exit "$status"
done
echo "No list of holes can be reached from here: $count packages were NOT audited."
exit 3
