"""A task whose loading goes wrong in one way or another."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.support.helpers import TASK
from trainers import Digits, Task
from trainers.tasks import Splits


@dataclass(frozen=True)
class Trouble(Digits):
    """`what` happens when it is loaded; `mark` is a file that says that it has happened."""

    what: str = "none"
    mark: str = ""

    kind: ClassVar[str] = "trouble"

    def __init__(self, what: str = "none", mark: str = "", **settings: object) -> None:
        object.__setattr__(self, "noise", TASK.noise)
        object.__setattr__(self, "train_size", TASK.train_size)
        object.__setattr__(self, "what", what)
        object.__setattr__(self, "mark", mark)

    def load(self, data_root: Path | None = None) -> Splits:
        """Go wrong, or load the digits."""
        if self.what == "raises":
            raise LookupError("no good")
        if self.what == "hangs":
            time.sleep(600)
        if self.what == "stops":
            os.kill(os.getpid(), signal.SIGSTOP)
        if self.what == "dies" or (self.what == "dies once" and not Path(self.mark).exists()):
            if self.what == "dies once":
                Path(self.mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return TASK.load()


Task.family["trouble"] = Trouble
