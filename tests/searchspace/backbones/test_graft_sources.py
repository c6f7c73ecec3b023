"""Where grafted models come from: libraries, files of the user's, and their keys."""

import pickle
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
import timm
import torch
import torchvision

from searchspace import (
    Architecture,
    CoConv,
    Graft,
    InputError,
    Rule,
    Space,
    Static,
    build,
    measure,
    parse_space,
    read_space,
)
from searchspace.backbones.graft.graft import anatomy
from searchspace.serialization import user_code
from searchspace.serialization.files import read_text
from tests.support.grafts import FILE, names, user


def test_keys_cover_the_users_file_and_not_its_folder(tmp_path: Path) -> None:
    here, there = tmp_path / "a" / "net.py", tmp_path / "b" / "net.py"
    for file in (here, there):
        file.parent.mkdir()
        file.write_text(read_text(FILE), encoding="utf-8")
    first, second = (Architecture(Graft(f"{file}:residual")) for file in (here, there))
    assert first.key == second.key and first.backbone.label() == "net.py:residual"
    there.write_text(read_text(FILE) + "# changed\n", encoding="utf-8")
    changed = Architecture(Graft(f"{there}:residual"))
    assert changed.key != first.key
    assert Architecture.from_json(first.to_json()) == first
    # As in a process that does not know the file.
    data, raw = pickle.dumps(first), first.to_json()
    del user_code.FILES[first.backbone.source.split()[-1]]
    for name in list(sys.modules):
        if name.startswith("convfrontier_file_"):
            del sys.modules[name]
    anatomy.cache_clear()
    with pytest.raises(InputError, match="net.py must be the file with sha256"):
        build(Architecture.from_json(raw))
    assert build(pickle.loads(data)).head.out_features == 10
    version = Graft("torchvision/resnet18").source
    assert version == f"torchvision {torchvision.__version__.split('+')[0]}"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("torchvision/resnet19", "no classification model 'resnet19'; the nearest are resnet18"),
        ("resnet18", "model must be torchvision/NAME, timm/NAME or FILE.py:FUNCTION"),
        ("keras/resnet18", "model must be torchvision/NAME"),
        (3, "model must be a text"),
        ("missing.py:make", "missing.py: cannot be read"),
        (f"{FILE}:missing", "user_models.py has no function 'missing'"),
        (f"{FILE}:failing", "failing cannot be made: KeyError: 'no weights here'"),
        (f"{FILE}:number", "number must return an nn.Module, got int"),
        (f"{FILE}:two_outputs", "two_outputs must return logits of shape"),
        (f"{FILE}:flat", "flat has no convolution"),
    ],
)
def test_unusable_models_are_told_in_a_sentence(model: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Architecture(Graft(model))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"model": "keras/resnet18", "source": "keras 3"},
            "no source of 'keras/resnet18' is called",
        ),
        ({"model": "a.py:f", "source": "torchvision 1"}, "no source of 'a.py:f' is called"),
        ({"model": "torchvision/resnet18", "source": "timm 1"}, "leave source out"),
        ({"recalibrate": "*.act2"}, r"recalibrate must be a list of patterns .*, got '\*.act2'"),
        ({"recalibrate": (3,)}, "recalibrate must be a list of patterns"),
    ],
)
def test_bad_fields_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Graft(**settings)


def test_a_file_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text("import nothing_of_this_name\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"broken.py cannot be run: ModuleNotFoundError"):
        Graft(f"{file}:make")


def test_an_image_of_a_size_that_the_model_does_not_take() -> None:
    graft = Architecture(Graft("torchvision/vit_b_16"))
    with pytest.raises(InputError, match="vit_b_16 takes no image of 64 px: .*Wrong image height"):
        measure(graft, 64)
    with pytest.raises(InputError, match="takes no image of 4 px"):
        Space.of(user("stemless_arguments"), Rule.of("*", Static(), CoConv()), input_size=4)


def test_a_space_in_a_file_names_models_beside_it(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(read_text(FILE), encoding="utf-8")
    (tmp_path / "space.yaml").write_text(
        """
backbone: [{kind: graft, model: [net.py:residual, net.py:untraceable]}]
rules: [{slots: "*.conv1", options: [static, {kind: coconv, experts: [2, 4]}]}]
input_size: 16
""",
        encoding="utf-8",
    )
    space = read_space(tmp_path / "space.yaml")
    assert space.size() == 2 * 3**2
    # Read anywhere, for the source is part of it.
    assert parse_space({"backbone": {"kind": "graft"}}).backbones == (Graft(),)
    assert Space.from_json(space.to_json()) == space
    drawn = space.within(max_macs=int(space.price([space.point(0)])[0][0])).sample(Random(0))
    assert drawn in space


def test_models_of_timm_are_grafted_too() -> None:
    graft = Graft("timm/resnet18.a1_in1k", recalibrate=("*.act2",))
    assert graft.source == f"timm {timm.__version__}"
    torch.manual_seed(2)
    theirs = timm.create_model("resnet18", num_classes=4, in_chans=1)
    torch.manual_seed(2)
    ours = build(Architecture(graft), num_classes=4, in_chs=1)
    images = torch.randn(2, 1, 32, 32)
    assert list(theirs.state_dict()) == list(ours.state_dict())
    with torch.no_grad():
        assert torch.equal(theirs.eval()(images), ours.eval()(images))
    assert len(names(graft, "recalibration")) == 8
    with pytest.raises(InputError, match="timm has no classification model 'resnet19'"):
        Graft("timm/resnet19")
    with pytest.raises(InputError, match="stem.conv1: it is a ScaledStdConv2d"):
        Graft("timm/nfnet_f0").slots()


def test_a_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match="timm is not installed; pip install timm"):
        Graft("timm/resnet18")
