import shutil
import subprocess
from pathlib import Path

import pytest

from studies.execution import environment


def test_a_record_says_what_and_where() -> None:
    found = environment.environment()
    assert {"python", "torch", "machine", "cores"} <= set(found)
    assert int(found["cores"]) >= 1
    assert all(found.values())


def test_the_revision_is_that_of_this_code_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed, changed, and lying untracked in a checkout of something else."""
    copy = tmp_path / "environment.py"
    shutil.copy(environment.__file__, copy)
    monkeypatch.setattr(environment, "__file__", str(copy))
    told = environment.revision.__wrapped__
    assert told() == ""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert told() == ""
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "One"], check=True)
    assert len(told()) == 12
    copy.write_text("# Changed.\n")
    assert told().endswith("-dirty")
