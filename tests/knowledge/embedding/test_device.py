"""The model moves to the CPU when its GPU is missing or has no memory left."""

import logging

import ctranslate2
import numpy as np
import pytest

from trimtab.knowledge.embedding import MiniLmEmbedder, transformer
from trimtab.knowledge.embedding.transformer import (
    EncoderOnDevice,
    is_memory_exhausted,
    open_encoder,
)
from trimtab.knowledge.errors import EmbedderUnavailable

OUT_OF_MEMORY = "CUDA failed with error out of memory"
TEXTS = ["Whales sing.", "Crabs walk sideways.", "Gulls steal chips from the harbour."]


class Gpu:
    """Opens encoders; one on the GPU is the CPU's, and fails as CTranslate2 does when told to."""

    def __init__(self, at_load="", at_work=""):
        self.at_load, self.at_work = at_load, at_work
        self.opened = []
        self.calls = 0

    def open(self, model_dir, wanted, threads):
        self.opened.append(wanted)
        if wanted == "cpu":
            return open_encoder(model_dir, "cpu", threads)
        if self.at_load:
            raise RuntimeError(self.at_load)
        inner = open_encoder(model_dir, "cpu", threads)
        gpu = self

        class Encoder:
            def forward_batch(self, *given):
                gpu.calls += 1
                if gpu.at_work:
                    raise RuntimeError(gpu.at_work)
                return inner.forward_batch(*given)

        return Encoder()


@pytest.fixture
def on_gpu(monkeypatch, model_dir):
    opened = []

    def make(**failures):
        gpu = Gpu(**failures)
        monkeypatch.setattr(
            transformer,
            "EncoderOnDevice",
            lambda *given: EncoderOnDevice(*given, open_on=gpu.open),
        )
        opened.append(MiniLmEmbedder(model_dir, threads=2, device="cuda"))
        return opened[-1], gpu

    yield make
    for embedder in opened:
        embedder.close()


def test_a_model_on_a_gpu_stays_there(on_gpu, embedder):
    model, gpu = on_gpu()
    vectors = model.embed(TEXTS)
    assert (model.device, gpu.opened, gpu.calls) == ("cuda", ["cuda"], 1)
    np.testing.assert_allclose(vectors, embedder.embed(TEXTS), atol=1e-5)


@pytest.mark.feature("F656")
def test_a_gpu_without_memory_left_hands_over_to_the_cpu_and_no_text_is_lost(
    on_gpu, embedder, caplog
):
    model, gpu = on_gpu(at_work=OUT_OF_MEMORY)
    with caplog.at_level(logging.WARNING):
        vectors = model.embed(TEXTS)
        model.embed(TEXTS)
    assert (model.device, gpu.opened, gpu.calls) == ("cpu", ["cuda", "cpu"], 1)
    assert np.array_equal(vectors, embedder.embed(TEXTS))
    assert [r.message for r in caplog.records] == [
        "embedding_model moves to the CPU: the GPU has no memory left"
    ]


def test_several_threads_move_the_model_once(on_gpu, monkeypatch):
    monkeypatch.setattr(transformer, "GPU_TOKENS", 4096)  # Some batches, of few texts.
    model, gpu = on_gpu(at_work="cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED")
    texts = [f"{text} {number}" * 60 for number in range(20) for text in TEXTS]
    assert model.embed(texts).shape == (60, 384)
    assert gpu.opened == ["cuda", "cpu"]


@pytest.mark.parametrize(
    "reason",
    [
        OUT_OF_MEMORY,
        "CUDA failed with error no CUDA-capable device is detected",
        "This CTranslate2 package was not compiled with CUDA support",
    ],
)
def test_without_a_usable_gpu_the_model_starts_on_the_cpu(on_gpu, reason):
    model, gpu = on_gpu(at_load=reason)
    assert (model.device, gpu.opened) == ("cpu", ["cuda", "cpu"])
    assert model.embed(TEXTS).shape == (3, 384)


def test_another_failure_of_the_gpu_is_a_failure_of_the_model(on_gpu):
    model, gpu = on_gpu(at_work="CUDA failed with error an illegal memory access was encountered")
    with pytest.raises(EmbedderUnavailable, match="illegal"):
        model.embed(TEXTS)
    assert gpu.opened == ["cuda"]


def test_a_damaged_model_is_no_reason_to_change_the_device(on_gpu):
    with pytest.raises(RuntimeError, match=r"model\.bin"):
        on_gpu(at_load="Unable to open file 'model.bin' in model")


def test_this_machine_is_served_whatever_it_has(model_dir):
    model = MiniLmEmbedder(model_dir, threads=1, device="cuda")
    expected = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    assert (model.device, model.embed(TEXTS).shape) == (expected, (3, 384))
    model.close()


def test_a_gpu_gets_larger_batches(on_gpu):
    model, gpu = on_gpu()
    model.embed([f"{text} {number}" for number in range(100) for text in TEXTS])
    on_gpu_alone = gpu.calls
    assert on_gpu_alone == 1
    assert transformer.GPU_TOKENS > transformer.CPU_TOKENS


@pytest.mark.parametrize(
    ("text", "exhausted"),
    [
        (OUT_OF_MEMORY, True),
        ("cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED", True),
        ("CUDA failed with error invalid device ordinal", False),
        ("the encoder is closed", False),
    ],
)
def test_exhausted_memory_is_told_from_other_errors(text, exhausted):
    assert is_memory_exhausted(RuntimeError(text)) is exhausted
