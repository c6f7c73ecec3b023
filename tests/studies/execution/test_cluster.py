"""Two Ray nodes on one machine: one is killed while it trains, and nothing finished is lost."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from studies import load
from studies.rundir.store import RunStore
from tests.support.paths import ROOT

DRIVER = """
import sys
from pathlib import Path
from rich.console import Console
from studies.execution.ray_backend import RayBackend
from studies.execution.resources import Resources
from studies.cli.running import run_search
from studies.rundir.store import RunStore
from tests.support.helpers import search
from dataclasses import replace
from tests.support.helpers import RECIPE
asked = search(trials=8, sampler="brute_force", recipe=replace(RECIPE, epochs=12))
resources = Resources(address=sys.argv[2], checkpoint_seconds=0.2)
with RayBackend(resources) as backend:
    status = run_search(asked, RunStore(Path(sys.argv[1])), backend, Console())
sys.exit(status)
"""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    yield made
    made.shutdown()


@pytest.mark.slow
def test_a_node_may_be_lost(tmp_path: Path, cluster: Cluster) -> None:
    # The head only directs; each of the others has room for one job.
    cluster.add_node(num_cpus=0, include_dashboard=False)
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    cluster.wait_for_nodes()
    store = RunStore(tmp_path)
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path), cluster.address],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 300
    while not store.results.exists() and driver.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    kept = store.results.read_bytes()
    cluster.remove_node(nodes[0], allow_graceful=False)
    output, _ = driver.communicate(timeout=300)
    assert driver.returncode == 0, output
    assert store.results.read_bytes().startswith(kept)
    keys = [json.loads(line)["key"] for line in store.results.read_bytes().splitlines()]
    assert len(keys) == len(set(keys)) == 8
    assert list(load(tmp_path)["status"].unique()) == ["finished"]
    assert not ray.is_initialized()
