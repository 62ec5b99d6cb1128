"""The report of `nvidia-smi` is read from recorded output; no GPU is a value, not an error."""

import pytest

from trimtab.infra.gpu import NO_GPU, parse_gpus, query_gpus

RECORDED = """\
0, NVIDIA A100-SXM4-40GB, 37, 21035, 40960
1, NVIDIA A100-SXM4-40GB, [N/A], 3, 40960
"""


@pytest.mark.feature("F197", "F211")
def test_utilisation_and_memory_are_read():
    first, second = parse_gpus(RECORDED).gpus
    assert (first.index, first.utilisation) == ("0", 0.37)
    assert first.memory_bytes == 21035 * 1024 * 1024
    assert first.memory_total_bytes == 40960 * 1024 * 1024
    assert second.utilisation == 0.0


def test_without_a_gpu_that_is_the_value():
    assert parse_gpus("") == NO_GPU
    assert parse_gpus("No devices were found\n") == NO_GPU


def test_a_machine_without_the_driver_has_no_gpu(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert query_gpus() == NO_GPU


@pytest.mark.parametrize(
    ("script", "detail"),
    [("exit 9", "exit code 9"), ("echo '0, T4, 12, 100, 15360'", "")],
    ids=["fails", "answers"],
)
def test_the_program_of_the_driver_is_asked(tmp_path, monkeypatch, script, detail):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = query_gpus()
    assert detail in found.detail
    assert len(found.gpus) == (0 if detail else 1)
