"""Counting, numbering, drawing and moving: every point is one network and every network a point."""

from collections import Counter
from random import Random

import numpy as np
import optuna
import pytest
import torch
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from searchspace import (
    Architecture,
    CoConv,
    HierarchicalSplit,
    InputError,
    ResNetCifar,
    Rule,
    Space,
    SqueezeExcite,
    Static,
    Unchanged,
    build,
    named_space,
)
from searchspace.space import moves
from searchspace.space.paths import architecture_of
from tests.support.small_spaces import (
    CIFAR,
    CONVS,
    RECALIBRATIONS,
    bottleneck_space,
    brute_force,
    resnet_space,
)

SPACES = {"resnet": resnet_space(), "bottleneck": bottleneck_space()}
HALF = Space.of(
    CIFAR, Rule.of("*.conv*", Static(), CoConv(2)), Rule.of("*.recal*", *RECALIBRATIONS[:2])
)


@st.composite
def spaces_of_resnets(draw) -> Space:
    rules = []
    for pattern in ("*", "layer1.*", "*.conv2", "*.recalibration"):
        tie = draw(st.sampled_from(["slot", "stage", "all"]))
        pools = {"*.conv2": CONVS, "*.recalibration": RECALIBRATIONS}
        pool = pools.get(pattern, CONVS + RECALIBRATIONS)
        size = draw(st.integers(0, 4))
        if size:
            options = draw(st.permutations(pool))[:size]
            rules.append(Rule.of(pattern, *options, tie=tie))
    widths = draw(st.sampled_from([(4,), (4, 5)]))
    backbones = [ResNetCifar(8, width) for width in widths]
    try:
        return Space.of(backbones, *rules, num_classes=3)
    except InputError as error:
        # The one way in which these rules can be wrong.
        assert "contradictory ties" in str(error)
        reject()


RANDOM_SPACES = settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("name", SPACES)
def test_points_are_the_networks_that_brute_force_finds(name: str) -> None:
    tried = SPACES[name]
    points = list(tried)
    assert len(points) == tried.size() == len(set(points))
    assert set(points) == brute_force(tried)
    assert [tried.index(point) for point in points] == list(range(tried.size()))


@RANDOM_SPACES
@given(spaces_of_resnets(), st.integers(0, 2**32))
def test_every_point_builds_and_comes_back(tried: Space, seed: int) -> None:
    rng = Random(seed)
    one, other = tried.sample(rng), tried.sample(rng)
    network = build(one, 3).eval()
    assert network(torch.randn(2, 3, 16, 16)).shape == (2, 3)
    assert Architecture.from_json(one.to_json()) == one
    assert tried.point(tried.index(one)) == one
    assert tried.architecture(tried.rows([one])[0]) == one
    path, other_path = tried.path(one), tried.path(other)
    children = [
        moves.mutate(tried.root, path, rng),
        moves.crossover(tried.root, path, other_path, rng),
        *moves.neighbours(tried.root, path),
    ]
    for child in children:
        assert architecture_of(child) in tried
    assert Space.from_json(tried.to_json()) == tried


def neighbours(space: Space, network: Architecture) -> list[Architecture]:
    return [architecture_of(path) for path in moves.neighbours(space.root, space.path(network))]


def mutated(space: Space, network: Architecture, rng: Random) -> Architecture:
    return architecture_of(moves.mutate(space.root, space.path(network), rng))


def crossed(space: Space, first: Architecture, second: Architecture, rng: Random) -> Architecture:
    paths = space.path(first), space.path(second)
    return architecture_of(moves.crossover(space.root, *paths, rng))


@pytest.mark.parametrize("name", SPACES)
def test_neighbours_reach_everything_and_mutations_are_neighbours(name: str) -> None:
    tried = SPACES[name]
    start = tried.point(0)
    seen, new = {start}, [start]
    while new:
        near = neighbours(tried, new.pop())
        new += [network for network in dict.fromkeys(near) if network not in seen]
        seen |= set(near)
        if len(seen) == tried.size():
            break
    assert len(seen) == tried.size()
    rng = Random(0)
    walked = start
    for _ in range(30):
        step = mutated(tried, walked, rng)
        differ = np.flatnonzero(tried.rows([walked])[0] != tried.rows([step])[0])
        assert len(differ) > 0
        walked = step


def test_mutation_reaches_every_neighbour() -> None:
    tried, rng = HALF, Random(1)
    start = tried.point(5)
    near = set(neighbours(tried, start))
    assert len(near) == 9 and start not in near
    assert {mutated(tried, start, rng) for _ in range(200)} == near


def test_crossing_takes_each_decision_from_a_parent() -> None:
    first, last = HALF.point(0), HALF.point(HALF.size() - 1)
    rows = HALF.rows([first, last])
    children = [crossed(HALF, first, last, Random(seed)) for seed in range(40)]
    assert len(set(children)) > 20
    for row in HALF.rows(children):
        assert ((row == rows[0]) | (row == rows[1])).all()
    assert crossed(HALF, first, first, Random(0)) == first


def test_sampling_is_uniform_over_networks_not_over_options() -> None:
    """Where a leading option opens more networks, it must be drawn as much more often."""
    tried = SPACES["resnet"]
    small = Space.of(
        [CIFAR, ResNetCifar(14, width=4)], Rule.of("layer1.*.conv1", Static(), CoConv(2))
    )
    assert small.size() == 2 + 4
    rng, drawn = Random(0), 6000
    counts = Counter(small.index(small.sample(rng)) for _ in range(600))
    assert sorted(counts) == list(range(6))
    rows = small.sample_rows(drawn, rng)
    found = np.unique(rows, axis=0, return_counts=True)[1]
    # Chi-squared with 5 degrees of freedom is above 20.5 once in a thousand.
    assert len(found) == 6
    assert ((found - drawn / 6) ** 2 / (drawn / 6)).sum() < 20.5
    again = tried.sample_rows(50, Random(3))
    assert (again == tried.sample_rows(50, Random(3))).all()
    assert {tried.architecture(row) for row in again} <= set(tried)


def test_size_is_exact_where_doubles_are_not() -> None:
    options = (Static(), CoConv(2), CoConv(3))
    tried = Space.of(ResNetCifar(110, width=4), Rule.of("*.conv*", *options))
    assert tried.size() == 3**108
    last = tried.point(tried.size() - 1)
    assert tried.index(last) == 3**108 - 1
    assert set(last.choices.values()) == {CoConv(3)}


class Recorder:
    """Answers with one of the choices and remembers what was asked."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.asked: dict[str, tuple[str, ...]] = {}

    def suggest_categorical(self, name, choices):
        assert len(choices) > 1 and name not in self.asked
        self.asked[name] = tuple(choices)
        return self.rng.choice(choices)


@pytest.mark.parametrize("name", SPACES)
def test_parameters_keep_their_names_and_choices(name: str) -> None:
    tried, rng = SPACES[name], Random(0)
    known: dict[str, tuple[str, ...]] = {}
    for _ in range(200):
        trial = Recorder(rng)
        assert tried.suggest(trial) in tried
        for parameter, choices in trial.asked.items():
            assert known.setdefault(parameter, choices) == choices
    once = resnet_space() if name == "resnet" else bottleneck_space()
    trial = Recorder(Random(1))
    once.suggest(trial)
    assert all(known[parameter] == choices for parameter, choices in trial.asked.items())


def test_optuna_trials_are_understood() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=5))
    tried = SPACES["bottleneck"]
    study.optimize(lambda trial: tried.cost(tried.suggest(trial)).macs, n_trials=15)
    assert len(study.trials) == 15


def test_only_decisions_that_matter_are_asked() -> None:
    """Layers that are not there, and slots without alternatives, have no parameter."""
    tried = Space.of(
        [CIFAR, ResNetCifar(14, width=4)],
        Rule.of("layer1.*.conv1", Static(), CoConv(2)),
        Rule.of("layer2.0.conv1", CoConv(2)),
    )
    asked = {}
    for seed in range(20):
        trial = Recorder(Random(seed))
        network = tried.suggest(trial)
        asked[network.backbone] = set(trial.asked)
    assert asked[CIFAR] == {"backbone", "layer1.0.conv1"}
    assert asked[ResNetCifar(14, width=4)] == asked[CIFAR] | {"layer1.1.conv1"}


def test_encoding_has_one_feature_for_each_option() -> None:
    assert len(HALF.encoding.features) == 1 + 1 + 6 * 2 + 3 * 2
    rows = HALF.rows(HALF)
    vectors = HALF.encoding.one_hot(rows)
    assert set(vectors.flat) == {0.0, 1.0} and (vectors.sum(1) == 11).all()
    assert len(np.unique(vectors, axis=0)) == HALF.size() == 2**9
    for row, vector in zip(rows[::50], vectors[::50], strict=True):
        taken = {f"{decision.name}={option.label}" for decision, option in HALF.encoding.path(row)}
        assert {
            name for name, on in zip(HALF.encoding.features, vector, strict=True) if on
        } == taken


@pytest.mark.parametrize(
    "outside",
    [
        Architecture(ResNetCifar(14, width=4)),
        Architecture(CIFAR, {"layer1.0.conv1": CoConv(5)}),
        Architecture(CIFAR, {"layer1.0.recalibration": SqueezeExcite(1)}),
    ],
)
def test_networks_outside_are_told_apart(outside: Architecture) -> None:
    assert outside not in HALF
    with pytest.raises(InputError, match="is not in the space"):
        HALF.index(outside)


def test_slots_that_nothing_decides_must_be_the_default() -> None:
    tried = Space.of(CIFAR, Rule.of("layer1.*", Static(), CoConv(2)))
    outside = Architecture(CIFAR, {"layer2.0.conv1": CoConv(2)})
    with pytest.raises(InputError, match=r"decides nothing in 'layer2.0.conv1'"):
        tried.path(outside)
    assert "not a network" not in tried


def test_a_space_of_one_network_has_nowhere_to_go() -> None:
    tried = Space.of(CIFAR, Rule.of("*", CoConv(2)))
    only = tried.point(0)
    assert tried.size() == 1 and neighbours(tried, only) == []
    assert mutated(tried, only, Random(0)) == only
    assert {c.kind for c in only.choices.values()} == {"coconv"}


def test_options_that_are_the_same_network_are_one() -> None:
    """HS and Res2Net coincide where nothing is summed; unused settings are dropped."""
    tried = SPACES["bottleneck"]
    strided = next(d for d in tried.encoding.labels if d == "layer2.0.conv2")
    assert "res2net(width=3, splits=3)" not in tried.encoding.labels[strided]
    free = tried.encoding.labels["layer1.0.conv2"]
    assert {"res2net(width=3, splits=3)", "hs(width=3, splits=3)"} <= set(free)
    assert HierarchicalSplit(2, 2) in {n.choices.get("layer1.0.conv2") for n in tried}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: HALF.point(HALF.size()), "index must be from 0 to 511, got 512"),
        (lambda: HALF.point(-1), "got -1"),
        (lambda: HALF.price(np.zeros((2, 3), dtype=int)), r"shape \(N, 11\), got \(2, 3\)"),
        (lambda: HALF.architecture(np.zeros(3)), "must have 11 columns"),
        (lambda: HALF.architecture(np.full(11, 9)), "no option with number 9"),
        (lambda: Space.of([]), "at least one backbone"),
        (lambda: Space.of(CIFAR, name=3), "name must be a string"),
        (lambda: Space.of(CIFAR, resolutions=()), "resolutions must hold at least one"),
        (lambda: named_space("coconf"), "unknown space 'coconf'; expected one of coconv, "),
    ],
)
def test_bad_input_is_answered_in_a_sentence(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_defaults_may_be_named() -> None:
    tried = Space.of(CIFAR, Rule.of("*.recal*", Unchanged(), SqueezeExcite(), tie="all"))
    assert tried.size() == 2 and tried.point(0) == Architecture(CIFAR)
