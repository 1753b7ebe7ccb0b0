"""The program as it is on the command line, with troubles of its own: `python -m tests.soak.command SEED WORD…`."""

from tests.soak import trouble  # before anything reads a clock

if __name__ == "__main__":
    import sys

    from routerterm.cli.main import main

    trouble.expose(sys.argv[1])
    sys.argv = ["routerterm", *sys.argv[2:]]
    main()
