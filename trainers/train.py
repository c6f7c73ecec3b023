"""`python -m trainers.train ARCH.json --out DIR`: a program; `trainers.train` is the function."""

from searchspace.cli import run_command
from trainers.command import main

if __name__ == "__main__":
    run_command(main, "python -m trainers.train")
