from analysis.data.network_stages import network_stages
from searchspace import measure
from tests.support.helpers import EXPERTS, STATIC, TASK


def test_stages_and_the_rest_add_up_to_the_whole() -> None:
    for architecture in (STATIC, EXPERTS):
        network = network_stages(architecture, TASK)
        whole = measure(architecture, TASK.input_size, num_classes=TASK.classes, in_chs=TASK.in_chs)
        assert sum(stage.macs for stage in network.stages) == network.macs == whole.macs
        assert sum(stage.params for stage in network.stages) == network.params == whole.params
    assert [stage.operators for stage in network.stages[:-1]] == [("coconv(experts=2) ×2",)] * 3
