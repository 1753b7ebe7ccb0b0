#!/bin/sh
# Fetch the MCP servers of others that tests speak with (marker npm), once: into build/mcp-servers, held to the versions and
# hashes of tests/engine/tools/npm/.  No script of a package is run.
set -eu
cd "$(dirname "$0")/.."

from=tests/engine/tools/npm
to=build/mcp-servers
if ! command -v npm >/dev/null 2>&1 || ! command -v node >/dev/null 2>&1; then
    echo "npm is not installed; the tests with servers from npm are skipped"
    exit 0
fi
cmp -s "$from/package-lock.json" "$to/fetched" && exit 0
mkdir -p "$to"
cp "$from/package.json" "$from/package-lock.json" "$to/"
rm -f "$to/fetched"
if (cd "$to" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error); then
    cp "$from/package-lock.json" "$to/fetched" # last: what was interrupted is fetched again
else
    echo "could not fetch the MCP servers from npm; their tests are skipped"
fi
