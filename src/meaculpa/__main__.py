"""`python -m meaculpa` is the same as the command `meaculpa`."""

from meaculpa.cli import main

if __name__ == "__main__":
    main()
