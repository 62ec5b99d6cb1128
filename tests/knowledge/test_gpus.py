"""What nvidia-smi reports becomes signals; a machine without a GPU has none, and says so."""

import math
import stat

import pytest

from tests.knowledge.conftest import WordModel
from trimtab.infra.gpu import GpuMonitor, parse_gpus
from trimtab.kernel.operable import ActionContext
from trimtab.knowledge.actions import actions
from trimtab.knowledge.gpus import gpu_signals, scheduled_look
from trimtab.knowledge.operable.device_actions import device_actions

# Recorded outputs of: nvidia-smi --query-gpu=index,name,utilization.gpu,memory.used,memory.total
# --format=csv,noheader,nounits
TWO = "0, NVIDIA A100-SXM4-40GB, 97, 39321, 40960\n1, NVIDIA A100-SXM4-40GB, 0, 3, 40960\n"
SHARED = "0, NVIDIA A100 MIG 1g.5gb, [N/A], [N/A], [N/A]\n"
FAILED = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that "
    "the latest NVIDIA driver is installed and running.\n"
)


def _monitor(report):
    monitor = GpuMonitor()
    monitor.report = parse_gpus(report)
    return monitor


@pytest.mark.parametrize("report", ["", FAILED, "index, name, memory.used [MiB]\n"])
def test_a_report_without_processors_is_none(report):
    assert _monitor(report).report.gpus == ()


def _values(knowledge, report, device="cpu"):
    found = gpu_signals(_monitor(report), knowledge.encoder, device)
    return {
        (signal.name.removeprefix("knowledge."), *sample.labels.values()): round(sample.value, 2)
        for signal in found
        for sample in signal.read()
    }


@pytest.mark.feature("F653")
def test_the_signals_name_each_processor(knowledge):
    assert _values(knowledge, TWO) == {
        ("gpu.count",): 2,
        ("gpu.memory_used_ratio", "0"): 0.96,
        ("gpu.memory_used_ratio", "1"): 0.0,
        ("gpu.utilization", "0"): 0.97,
        ("gpu.utilization", "1"): 0.0,
        ("embedding.fell_back",): 0,
    }


def test_memory_that_the_driver_does_not_tell_is_unknown_and_not_zero(knowledge):
    assert math.isnan(_values(knowledge, SHARED)["gpu.memory_used_ratio", "0"])


def test_no_gpu_is_a_value(knowledge):
    assert _values(knowledge, "") == {("gpu.count",): 0, ("embedding.fell_back",): 0}


def test_a_model_that_should_run_on_a_gpu_and_does_not_is_told(knowledge):
    assert _values(knowledge, TWO, "cuda")["embedding.fell_back",] == 1
    knowledge.encoder.unload()
    assert _values(knowledge, TWO, "cuda")["embedding.fell_back",] == 0


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Put a program named nvidia-smi into PATH."""

    def install(script):
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return install


@pytest.mark.feature("F527")
def test_the_driver_is_looked_at_regularly(driver):
    driver('echo "0, Tesla T4, 12, 450, 15360"')
    monitor = GpuMonitor()
    (task,) = scheduled_look(monitor)
    task.run()
    assert [gpu.name for gpu in monitor.report.gpus] == ["Tesla T4"]


def test_without_a_driver_nothing_is_started(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert scheduled_look(GpuMonitor()) == ()


@pytest.mark.feature("F527")
def test_a_slow_model_that_left_its_gpu_is_taken_back_by_a_reload(knowledge, home):
    devices = iter(["cpu", "cuda"])

    def load(device=None):
        model = WordModel()
        model.device = next(devices)
        return model

    home.load = load
    knowledge.reload_model()
    assert _values(knowledge, TWO, "cuda")["embedding.fell_back",] == 1
    (reload,) = [each for each in actions(knowledge) if each.name == "knowledge.embedding.reload"]
    reload.run({}, ActionContext("test", "test"))
    assert _values(knowledge, TWO, "cuda")["embedding.fell_back",] == 0


@pytest.mark.feature("F657")
def test_the_time_of_a_passage_is_measured_on_each_device_that_is_there(knowledge, home):
    (measure,) = device_actions(knowledge)
    found = measure.run({}, ActionContext("test", "test"))
    assert found.facts["cpu_ms"] >= 0
    assert (found.facts["gpu_ms"], found.facts["device"]) == (None, "cpu")
    home.load = lambda device=None: _Gpu() if device == "cuda" else home.model
    assert measure.run({}, ActionContext("test", "test")).facts["gpu_ms"] >= 0


class _Gpu(WordModel):
    device = "cuda"
