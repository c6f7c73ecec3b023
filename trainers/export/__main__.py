"""`python -m trainers.export TRAINED_DIR --out DIR` as a program."""

from searchspace.cli import run_command
from trainers.export.command import main

if __name__ == "__main__":
    run_command(main, "python -m trainers.export")
