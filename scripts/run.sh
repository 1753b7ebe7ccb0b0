#!/bin/sh
# Set everything up and open the chat; on the first time it fetches the small local model, so that no key is needed.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh use
.venv/bin/routerterm local fetch ||
    printf '%s\n' "Opening the chat without the local model: the demo and your own keys work all the same." >&2
exec .venv/bin/routerterm "$@"
