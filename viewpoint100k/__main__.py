"""`python -m viewpoint100k` is the command line."""

from viewpoint100k.cli import main

if __name__ == "__main__":
    main()
