"""A study of one's own; the guide's example is run as it stands, in Ray's workers."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from searchspace import OPERATORS, InputError, Static, register
from searchspace.choice import user_operators as registered_by_users
from studies import Study, load, read_study
from studies.execution import local_backend
from studies.rundir.store import RunStore
from studies.spec import user_operators
from studies.spec.study_file import FIELDS, PRESET
from tests.studies.cli.test_run import call
from tests.support.paths import ROOT
from tests.trainers.tasks.test_folder import tree

GUIDE = (ROOT / "docs" / "ablation.md").read_text()
YAML = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)[0]
OPERATOR, SCRIPT = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


def photos(folder: Path, classes: int = 2, images: int = 15) -> None:
    """Classes of images of different brightness, in odd sizes."""
    generator = np.random.default_rng(0)
    for label in range(classes):
        place = folder / "train" / f"class{label}"
        place.mkdir(parents=True)
        for i in range(images):
            pixels = generator.integers(0, 80, (20 + i, 24, 3)) + 80 * label
            Image.fromarray(pixels.astype(np.uint8)).save(place / f"{i}.png")


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The guide's files in the working directory; what they register is forgotten."""
    photos(tmp_path / "photos")
    (tmp_path / "asymmetric.py").write_text(OPERATOR)
    (tmp_path / "asymmetric.yaml").write_text(YAML)
    monkeypatch.chdir(tmp_path)
    # Other processes find the packages without their being installed.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield tmp_path
    forget()
    sys.modules.pop("asymmetric", None)


@pytest.mark.slow
def test_the_guides_yaml_is_run_by_ray(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(YAML.splitlines()) == 10
    run = Path("runs/asymmetric-custom")
    assert call(monkeypatch, "asymmetric.yaml", "--seeds", 3, "--workers", 2) == 0
    frame = load(run)
    assert frame.groupby("arm").size().to_dict() == {"asymmetric": 3, "static": 3}
    assert (frame["status"] == "finished").all()
    assert (run / "report.html").exists()
    # The run can be read where the operator's file is not.
    assert (run / "operators" / "asymmetric.py").read_text() == OPERATOR


def test_the_guides_script_does_the_same(
    example: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("studies.cli.running.RayBackend", local_backend.LocalBackend)
    monkeypatch.syspath_prepend(example)
    names: dict[str, object] = {}
    script = SCRIPT.replace("seeds=5", "seeds=1").replace("epochs=10", "epochs=1")
    exec(compile(script, "docs/ablation.md", "exec"), names)
    frame = names["frame"]
    assert isinstance(frame, pd.DataFrame)
    assert frame["arm"].tolist() == ["static", "asymmetric"]
    store = RunStore(Path("runs/asymmetric-python"))
    study = names["study"]
    assert isinstance(study, Study)
    assert store.experiment() == study.ablation("custom", seeds=1)


def test_a_run_goes_on_only_with_the_operator_that_it_has(
    example: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = read_study("asymmetric.yaml").study.ablation("custom")
    store = RunStore(example / "run")
    with store.locked():
        store.ask(plan, {})
    assert store.experiment() == plan
    forget()
    # What the run was made with is found in it, the file may be gone.
    (example / "asymmetric.py").unlink()
    assert store.experiment() is not None
    forget()
    (example / "asymmetric.py").write_text(OPERATOR + "\n# Edited.\n")
    monkeypatch.setattr("studies.cli.running.RayBackend", local_backend.LocalBackend)
    assert call(monkeypatch, "asymmetric.yaml", "--out", example / "run") == 2
    assert "the operator 'asymmetric' is another than the one" in capsys.readouterr().err


def forget() -> None:
    """As a new process knows it: no operator but those of the package."""
    for kind in registered_by_users():
        del OPERATORS[kind]


def test_the_guide_names_the_fields(example: Path) -> None:
    own = read_study("asymmetric.yaml")
    design = own.study.presets["custom"]
    assert (own.study.name, own.study.baseline, design.seeds) == ("asymmetric", "static", 5)
    assert own.data_root == example
    assert (design.tasks[0].classes, design.tasks[0].train_images) == (2, 30)
    assert (design.recipe.epochs, design.recipe.batch_size) == (10, 16)
    assert design.claims[0].comparisons[0].margin == -2
    for name in FIELDS:
        assert name in GUIDE


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("arm: {}", "mine.yaml: unknown field 'arm'; expected name,"),
        ("arms: [static]", r"mine.yaml: arms: expected an object, got \['static'\]"),
        ("arms: {a: {'*': none_such}}", r"mine.yaml: arms.a.choices.\*: unknown kind 'none_such'"),
        ("arms: {a: {conv9: static}}", "mine.yaml: arms.a: .* has no slot 'conv9'"),
        ("arms: {}", "mine.yaml: arms: expected at least one arm"),
        ("task: {kind: digits, size: 3}", "mine.yaml: task: unknown field 'size'"),
        ("task: {kind: folder, path: nowhere}", "nowhere"),
        ("recipe: {epoch: 3}", "mine.yaml: recipe: unknown field 'epoch'"),
        ("recipe: slow", "mine.yaml: recipe: there is no recipe 'slow'; known ones are"),
        ("claims: [a is best]", r"mine.yaml: claims\[0\]: expected \"arm > arm\""),
        ("claims: [a > c]", "mine.yaml: claim 'a > c' names the arm 'c'"),
        ("baseline: c", "mine.yaml: .* include the baseline 'c'"),
        ("seeds: 0", "mine.yaml: seeds must be a whole number of at least 1, got 0"),
        ("name: a/b", "mine.yaml: name must be of letters"),
        ("operators: none.py", "none.py: cannot be read"),
        ("recipe: [", r"mine.yaml: line \d+, column \d+: malformed YAML"),
    ],
)
def test_mistakes_are_reported_with_their_place(line: str, message: str, tmp_path: Path) -> None:
    fields = {
        "backbone": "resnet_cifar",
        "arms": "{a: {}, b: {'*': {kind: coconv, experts: 2}}}",
        "task": "digits",
    }
    fields[line.split(":")[0]] = line.partition(":")[2]
    file = tmp_path / "mine.yaml"
    file.write_text("".join(f"{name}: {value}\n" for name, value in fields.items()))
    with pytest.raises(InputError, match=message):
        read_study(file)


def test_files_that_give_no_operator_say_so(tmp_path: Path) -> None:
    file = tmp_path / "op.py"
    file.write_text("x = 1\n")
    with pytest.raises(InputError, match="registers no operator"):
        user_operators.load_operators(file)
    file.write_text("import no_such_module\n")
    with pytest.raises(InputError, match="cannot be run: ModuleNotFoundError: No module named"):
        user_operators.load_operators(file)


def test_kinds_are_not_taken_twice() -> None:
    with pytest.raises(InputError, match="is taken by an operator of ours"):
        register(type("Mine", (Static,), {"kind": "coconv"}))
    with pytest.raises(InputError, match="needs a kind"):
        register(type("Mine", (Static,), {"kind": ""}))


def test_a_run_whose_images_have_changed_says_what_they_were(tmp_path: Path) -> None:
    folder = tree(tmp_path / "data", counts=(4, 4))
    file = tmp_path / "mine.yaml"
    file.write_text(
        "{backbone: resnet_cifar, arms: {a: {}, b: {'*': acnet}}, "
        "task: {kind: folder, path: data/set, size: 8}}"
    )
    earlier = read_study(file).study.ablation(PRESET)
    (folder / "train" / "class0" / "00.png").unlink()
    message = r"on folder\(name=set, images=8, size=8\), another run than .* images=7, .*restore"
    with pytest.raises(InputError, match=message):
        read_study(file).study.ablation(PRESET).extending(earlier)
