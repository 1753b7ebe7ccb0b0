"""The command line."""

import sys

from routerterm.core.import_without import import_without

# Every way into the program comes by here first.  msgspec takes from typing_extensions what Python 3.11 has itself;
# the import of that is a hundredth of what `routerterm ask` takes.
if "msgspec" not in sys.modules:
    with import_without("typing_extensions"):
        import msgspec  # noqa: F401 - only that it is there
