"""`python -m openfunnel`."""

from openfunnel.cli.app import main

if __name__ == "__main__":
    main()
