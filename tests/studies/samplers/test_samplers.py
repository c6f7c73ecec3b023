"""What every sampler must do, on spaces with alternatives that only some networks have."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from optuna import Study, create_study, logging
from optuna.samplers import TPESampler
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from searchspace import Architecture, InputError, Rule, Space, SqueezeExcite, Static, Unchanged
from studies.samplers.architecture_sampler import trial_parameters
from studies.samplers.registry import SAMPLERS, make_sampler
from tests.support.small_spaces import CIFAR, CONVS, bottleneck_space, resnet_space

logging.set_verbosity(logging.ERROR)

FAST: Mapping[str, Mapping[str, Any]] = {
    "tpe": {"n_startup_trials": 3},
    "gp": {"n_startup_trials": 5},
    "nsga2": {"population_size": 4},
    "nsga3": {"population_size": 4},
    "informed": {"startup": 3, "pool": 32},
}
"""Settings with which a few trials are enough for more than random starts."""
TWO = ("accuracy", "macs")
NON_REPEATING = ("brute_force", "informed")
CONDITIONAL = resnet_space()
COUPLED = bottleneck_space()
FLAT = Space.of(
    CIFAR,
    Rule.of("layer1.*.conv1", *CONVS[:4]),
    Rule.of("layer2.*.conv1", *CONVS[:4]),
    Rule.of("*.recalibration", Unchanged(), SqueezeExcite(), tie="all"),
    input_size=16,
)
POINT = Space.of(CIFAR, Rule.of("*", Static()), input_size=16)


def values(within: Space, network: Architecture, objectives: Sequence[str]) -> list[float]:
    """Made-up accuracies that depend on the network, and its real costs."""
    cost = within.cost(network)
    share = within.index(network) / within.with_limits(None).size()
    made_up = {"accuracy": 0.3 + 0.6 * share, "latency": 1.0 + share}
    return [float(made_up[o]) if o in made_up else float(getattr(cost, o)) for o in objectives]


class SamplerRun:
    """Asks a sampler for networks and tells it made-up values."""

    def __init__(
        self, name: str, within: Space, seed: int = 0, objectives: Sequence[str] = TWO
    ) -> None:
        self.within, self.objectives = within, objectives
        self.args: dict[str, Any] = {"within": within, "objectives": objectives, "seed": seed}
        self.name = name
        up, down = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE
        directions = [up if objective == "accuracy" else down for objective in objectives]
        self.study: Study = create_study(directions=directions, sampler=self.sampler())

    def sampler(self) -> Any:
        return make_sampler(self.name, FAST.get(self.name, {}), **self.args)

    def run(self, count: int, end: TrialState = TrialState.COMPLETE) -> list[Architecture]:
        networks = []
        for _ in range(count):
            trial = self.study.ask()
            network = self.within.suggest(trial)
            networks.append(network)
            if end == TrialState.COMPLETE:
                self.study.tell(trial, values(self.within, network, self.objectives))
            elif end != TrialState.RUNNING:
                self.study.tell(trial, state=end)
        return networks


@pytest.mark.parametrize("name", SAMPLERS)
class TestEverySampler:
    def test_the_same_seed_gives_the_same_networks(self, name: str) -> None:
        once, again, other = (SamplerRun(name, FLAT.within(), seed).run(6) for seed in (5, 5, 6))
        assert once == again
        assert once != other

    def test_loaded_again_it_goes_on_as_it_would_have(self, name: str) -> None:
        through, stopped = (SamplerRun(name, FLAT.within()) for _ in range(2))
        expected = through.run(6)
        networks = stopped.run(4)
        stopped.study.sampler = stopped.sampler()
        assert networks + stopped.run(2) == expected

    @pytest.mark.parametrize("space", [CONDITIONAL, COUPLED], ids=["conditional", "coupled"])
    def test_networks_are_within_the_limits(self, name: str, space: Space) -> None:
        costs = sorted(space.price(space.rows(space))[0].tolist())
        within = space.within(max_macs=costs[len(costs) // 4])
        for network in SamplerRun(name, within).run(6):
            assert network in within

    def test_objectives_may_be_any_number(self, name: str) -> None:
        for objectives in (("accuracy",), ("params", "accuracy", "macs", "latency")):
            search = SamplerRun(name, FLAT.within(), objectives=objectives)
            assert all(network in FLAT for network in search.run(6))

    def test_it_survives_trials_that_end_early_fail_or_run(self, name: str) -> None:
        search = SamplerRun(name, CONDITIONAL.within())
        for state in (TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING):
            search.run(1, state)
        search.run(5)
        for state in (TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING):
            search.run(1, state)
        assert search.run(1)[0] in CONDITIONAL

    def test_it_survives_a_trial_whose_driver_died_before_it_had_parameters(
        self, name: str
    ) -> None:
        search = SamplerRun(name, FLAT.within())
        search.run(4)
        died = search.study.ask()
        search.study.tell(died, state=TrialState.FAIL)
        search.study.add_trial(create_trial(state=TrialState.FAIL))
        assert search.run(1)[0] in FLAT

    def test_it_starts_from_what_is_known(self, name: str) -> None:
        within = FLAT.within()
        search = SamplerRun(name, within)
        given = [FLAT.point(index) for index in range(0, 32, 2)]
        for network in given:
            params, distributions = trial_parameters(FLAT, network)
            search.study.add_trial(
                create_trial(
                    values=values(within, network, TWO), params=params, distributions=distributions
                )
            )
        networks = search.run(4)
        assert all(network in FLAT for network in networks)
        if name in NON_REPEATING:
            assert not set(networks) & set(given)

    def test_one_network_is_a_space_too(self, name: str) -> None:
        assert SamplerRun(name, POINT.within()).run(5) == [POINT.point(0)] * 5

    def test_settings_are_checked(self, name: str) -> None:
        with pytest.raises(InputError, match=f"sampler {name}: unknown field 'speed'"):
            make_sampler(name, {"speed": 3}, within=FLAT.within(), objectives=TWO, seed=0)


@pytest.mark.parametrize("name", NON_REPEATING)
def test_no_network_is_proposed_twice_before_all_were(name: str) -> None:
    size = FLAT.size()
    networks = SamplerRun(name, FLAT.within()).run(size + 1)
    assert len(set(networks[:size])) == size == 32
    assert networks[-1] in FLAT


def test_brute_force_finds_new_networks_of_a_space_too_large_to_list() -> None:
    rules = (
        Rule.of("*.conv*", *CONVS[:7]),
        Rule.of("*.recalibration", Unchanged(), SqueezeExcite()),
    )
    large = Space.of(CIFAR, *rules, input_size=16)
    assert large.size() > 10_000
    networks = SamplerRun("brute_force", large.within()).run(5)
    assert len(set(networks)) == 5


def test_random_draws_architectures_not_parameters() -> None:
    """Options that open many networks are drawn as often as these are."""
    within = CONDITIONAL.within()
    networks = SamplerRun("random", within).run(300)
    switching = sum(network.resolutions is not None for network in networks)
    share = sum(n.resolutions is not None for n in CONDITIONAL) / CONDITIONAL.size()
    assert abs(switching / 300 - share) < 3 * (0.25 / 300) ** 0.5


def test_qmc_is_even_in_every_decision() -> None:
    networks = SamplerRun("qmc", FLAT.within()).run(16)
    rows = FLAT.rows(networks)
    for name in ("layer1.0.conv1", "layer2.0.conv1"):
        column = rows[:, FLAT.encoding.columns[name]].tolist()
        assert sorted(column) == sorted([0, 1, 2, 3] * 4)


def test_parameters_lead_back_to_the_architecture() -> None:
    class StoredParameters:
        def __init__(self, params: dict[str, str]) -> None:
            self.params = params

        def suggest_categorical(self, name: str, choices: Sequence[str]) -> str:
            assert distributions[name].choices == tuple(choices)
            return self.params[name]

    for index in range(0, COUPLED.size(), 7):
        params, distributions = trial_parameters(COUPLED, COUPLED.point(index))
        assert COUPLED.suggest(StoredParameters(params)) == COUPLED.point(index)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("bayes", {}, "sampler must be one of random, tpe, nsga2, .*, got 'bayes'"),
        ("tpe", {"group": True}, "group needs multivariate"),
        ("nsga2", {"population_size": 1}, "population_size must be a whole number of at least 2"),
        ("nsga3", {"crossover_prob": 1.5}, "crossover_prob must be at most 1, got 1.5"),
        ("informed", {"startup": 0}, "startup must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_settings_are_named(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_sampler(name, settings, within=FLAT.within(), objectives=TWO, seed=0)


def test_settings_reach_optuna(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[dict[str, Any]] = []

    def recording(**settings: Any) -> TPESampler:
        received.append(settings)
        return TPESampler(**settings)

    monkeypatch.setattr("studies.samplers.registry.TPESampler", recording)
    grouped = {"multivariate": True, "group": True, "n_startup_trials": 2}
    made = make_sampler("tpe", grouped, within=FLAT.within(), objectives=TWO, seed=0)
    study = create_study(directions=["maximize", "minimize"], sampler=made)
    for _ in range(4):
        trial = study.ask()
        study.tell(trial, values(FLAT.within(), FLAT.within().suggest(trial), TWO))
    assert received
    assert all(settings.items() >= grouped.items() for settings in received)
    assert len({settings["seed"] for settings in received}) > 4
