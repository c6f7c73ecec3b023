"""`python -m searchspace.describe`, and the named spaces that it shows."""

import subprocess
import sys
from random import Random

import numpy as np
import pytest

from searchspace import (
    Architecture,
    Graft,
    InputError,
    ResNet,
    ResNetCifar,
    Resolutions,
    measure,
    named_space,
    spaces,
)
from searchspace.describe import main
from searchspace.space.description import histogram
from tests.support.paths import ROOT

NAMES = "coconv", "multiception", "mssar", "hs", "rsnet", "joint"


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs the command line; the status, standard output and standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["describe", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code, *capsys.readouterr()

    return call


def test_each_paper_has_a_space_on_small_and_on_large_images() -> None:
    assert set(spaces()) == {name + ending for name in NAMES for ending in ("", "-imagenet")}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_named_spaces_are_priced_as_measured(name: str) -> None:
    small = ResNet(50, width=4, stem="small") if name == "hs" else ResNetCifar(8, width=4)
    tried = named_space(name, small, num_classes=10)
    assert tried.size() > 5
    network = tried.sample(Random(0))
    assert tried.cost(network) == measure(network, 32, num_classes=10)


@pytest.mark.parametrize(
    ("name", "decisions", "options"),
    [
        ("coconv", 18, 13),
        # The stem is no slot; the three shortcuts are.
        ("coconv-imagenet", 19, 13),
        ("multiception", 9, 7),
        ("multiception-imagenet", 8, 7),
        ("mssar", 9, 9),
        ("mssar-imagenet", 8, 9),
        ("rsnet", 0, 0),
        ("rsnet-imagenet", 0, 0),
    ],
)
def test_named_spaces_vary_what_they_are_about(name: str, decisions: int, options: int) -> None:
    tried = named_space(name)
    counts = [len(labels) for labels in list(tried.encoding.labels.values())[2:]]
    assert counts == [options] * decisions
    assert tried.name == name and tried.size() > 20


def test_splits_go_into_the_middle_of_each_bottleneck() -> None:
    """With a stride Res2Net's two settings are two more widths of HS, so no network is lost."""
    labels = named_space("hs").encoding.labels
    middles = [name for name in labels if name.endswith(".conv2")]
    assert len(middles) == 16
    assert {len(labels[middle]) for middle in middles} == {7}


def test_small_maps_leave_large_kernels_out() -> None:
    tried = named_space("multiception", ResNetCifar(8, width=8), input_size=8)
    assert tried.size() == 3**3
    assert named_space("rsnet", input_size=24).size() == 3


def test_ties_and_resolutions_of_named_spaces() -> None:
    tied = named_space("mssar", ResNetCifar(20, width=4), tie="stage")
    assert tied.size() == 9**3
    sets = {network.resolutions for network in named_space("rsnet")}
    assert len(sets) == 9 and Resolutions((32, 28, 24, 20, 16), "shared") in sets
    with pytest.raises(InputError, match="unknown space"):
        named_space("hs-small")


def test_a_description_has_slots_options_size_costs_and_histogram(run) -> None:
    status, shown, errors = run("mssar", "--samples", "500")
    assert (status, errors) == (0, "")
    tried = named_space("mssar")
    least, greatest = (tried.cost(tried.extreme("macs", pick)).macs for pick in (min, max))
    for text in (
        "layer1.0.recalibration",
        "mssar(scales=(1, 4))",
        f"{tried.size():,}",
        f"{least:,}",
        f"{greatest:,}",
        "of 500 networks",
        "█",
    ):
        assert text in shown
    assert shown == run("mssar", "--samples", "500")[1]
    assert shown != run("mssar", "--samples", "500", "--seed", "1")[1]


def test_a_file_is_described(tmp_path, run) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(
        "name: mine\nbackbone: {kind: resnet_cifar, depth: 8, width: [4, 6]}\n"
        "rules: [{slots: 'layer1.*.conv?', options: [static, coconv], tie: all}]\n"
    )
    status, shown, errors = run(str(path), "--form", "training", "--samples", "10")
    assert (status, errors) == (0, "") and shown.startswith("mine: ")
    assert "distinct networks: 4" in shown and "training form" in shown
    assert "layer1.*.conv?: layer1.0.conv1," in shown and "layer1.0.conv2" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "unknown space 'nothing'; expected a file that ends in"),
        (["none.yaml"], "none.yaml: cannot be read: No such file or directory"),
        (["mssar", "--form", "fused"], "form must be one of deployed, training, got 'fused'"),
        (
            ["mssar", "--samples", "0"],
            "'--samples': expected a whole number of at least 1, got '0'",
        ),
        ([], "Missing argument 'SPACE'"),
    ],
)
def test_mistakes_are_one_sentence_on_stderr(run, arguments, message: str) -> None:
    status, shown, errors = run(*arguments)
    assert status == 2 and not shown
    assert message in errors and len(errors.splitlines()) == 1


@pytest.mark.slow
def test_the_module_is_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "searchspace.describe", "nothing"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and done.stderr.startswith("error: unknown space")


def test_histograms_count_everything() -> None:
    lines = histogram(np.arange(100), bins=4)
    assert [int(line.split()[-1]) for line in lines] == [25] * 4
    assert histogram(np.array([7, 7])) == [f"7 {'█' * 40} 2"]


def test_a_model_is_described_by_its_slots(run) -> None:
    model = f"{ROOT}/tests/support/user_models.py:residual"
    status, out, _ = run(model, "--size", "16")
    assert status == 0
    assert "user_models.py:residual (sha256" in out and "16 px, 10 classes" in out
    graft = Graft(model)
    assert all(slot.name in out for slot in graft.slots())
    cost = measure(Architecture(graft), 16)
    assert f"{cost.macs:,}" in out.replace("\n", "") and "can take" in out
    status, out, _ = run(f"{ROOT}/tests/support/user_models.py:odd")
    assert status == 0 and "no slot: dilated; its dilation is 2" in out
    status, out, _ = run(f"{ROOT}/tests/support/user_models.py:untraceable")
    assert "no recalibration slot was found" in out
    status, _, error = run("torchvision/resnet19")
    assert status == 2 and "no classification model 'resnet19'" in error
