#!/bin/sh
# Set everything up and open the chat; on the first time it fetches the small local model, so that no key is needed.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh use
sh scripts/model.sh || true # it says why; the chat opens with the demo and the person's own keys
exec .venv/bin/routerterm "$@"
