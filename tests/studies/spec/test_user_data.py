import json
from pathlib import Path

import pytest

from searchspace import InputError
from searchspace.serialization import user_code
from studies.execution.environment import environment
from studies.rundir.store import RunStore
from studies.spec.study_file import read_study

DATA = """
import torch
from torch.utils.data import TensorDataset

def make():
    return TensorDataset(torch.zeros(20, 1, 8, 8), torch.arange(20) % 2)
"""
STUDY = {
    "backbone": {"kind": "resnet_cifar", "depth": 8, "width": 4},
    "arms": {"static": {}},
    "task": {"kind": "python", "source": "data/mine.py:make"},
}


def test_a_run_keeps_the_file_and_reads_it_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.py").write_text(DATA)
    (tmp_path / "study.json").write_text(json.dumps(STUDY))
    read = read_study(tmp_path / "study.json")
    assert read.data_root == (tmp_path / "data").resolve()
    ablation = read.study.ablation("custom").identified(read.data_root)
    store = RunStore(tmp_path / "run")
    with store.locked():
        store.ask(ablation, environment())
    (tmp_path / "data" / "mine.py").unlink()
    monkeypatch.setattr(user_code, "FILES", {})
    (task,) = ablation.tasks
    with pytest.raises(InputError, match="the file of mine.py:make is not there as it was"):
        task.load(None)
    earlier = RunStore(tmp_path / "run").experiment()
    assert earlier == ablation
    assert len(earlier.tasks[0].load(None).train) == 12
    (kept,) = (tmp_path / "run" / "data").iterdir()
    kept.write_text(DATA + "\n# changed\n")
    monkeypatch.setattr(user_code, "FILES", {})
    with pytest.raises(InputError, match="is not there as it was"):
        RunStore(tmp_path / "run").experiment().tasks[0].locate(None)  # type: ignore[union-attr]


def test_a_study_on_other_data_is_not_continued(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "study.json").write_text(json.dumps(STUDY))
    runs = []
    for text in (DATA, DATA.replace("zeros", "ones"), f"{DATA}\n# changed\n"):
        (tmp_path / "data" / "mine.py").write_text(text)
        runs.append(read_study(tmp_path / "study.json").study.ablation("custom"))
    for other in runs[1:]:
        with pytest.raises(InputError, match="restore"):
            other.extending(runs[0])
