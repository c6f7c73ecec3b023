"""A small search on the card by Ray, several jobs sharing it."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.gpu.rows import Row, Rows, Settings
from searchspace.serialization.files import read_text


def engine(settings: Settings) -> Rows:
    """Seconds of a search of a few jobs, four to a GPU; whether all of them ended."""
    trials = 2 if settings.tiny else 8
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "studies.run", "search", "--space", "joint"]
        command += ["--task", "digits", "--trials", str(trials), "--epochs", "1", "--out", str(out)]
        command += ["--gpus-per-trial", "0.25" if settings.gpu else "0"]
        started = time.monotonic()
        limit = max(30.0, settings.left())
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
        seconds = time.monotonic() - started
        ended = 0
        if (out / "results.jsonl").exists():
            ended = len(read_text(out / "results.jsonl").splitlines())
    note = done.stderr.strip().splitlines()[-1] if done.returncode else f"{ended} jobs ended"
    ok = done.returncode == 0 and ended >= trials
    yield Row("engine", f"search of {trials} jobs", seconds, "s", None, ok, note)
