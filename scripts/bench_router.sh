#!/bin/sh
# Measures the router beside raw httpx; with --litellm also beside litellm's Router, in an environment of its own
# that `make clean` removes.  litellm is no dependency of ours: where it cannot be installed it is left out.
set -eu
cd "$(dirname "$0")/.."
if [ "${1:-}" = --litellm ]; then
    python=build/litellm/bin/python
    if "$python" -c 'import litellm' 2>/dev/null ||
        { .venv/bin/python -m venv build/litellm && "$python" -m pip install --quiet litellm==1.110.2; }; then
        exec .venv/bin/python benchmarks/router_overhead.py --litellm "$python"
    fi
    echo "litellm could not be installed: it is left out" >&2
fi
exec .venv/bin/python benchmarks/router_overhead.py
