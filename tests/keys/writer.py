"""A program that the tests start, and kill: stores keys in a vault, and says which it has stored."""

from __future__ import annotations

import sys
from pathlib import Path

from routerterm.core.secret import Secret
from tests.keys.parts import PASSPHRASE, own_vault


def main() -> None:
    folder, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    vault = own_vault(folder)
    vault.unlock(PASSPHRASE)
    for number in range(count):
        vault.set(f"{name}/{number}", Secret(f"key-of-{name}-{number}"))
        print(number, flush=True)


if __name__ == "__main__":
    main()
