"""`python -m routerterm`."""

from routerterm.cli.main import main

if __name__ == "__main__":
    main()
