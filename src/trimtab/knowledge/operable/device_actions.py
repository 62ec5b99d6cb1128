"""Actions on the devices that the embedding model runs on."""

import statistics
import time

from trimtab.kernel.operable import Action, ActionContext, ActionResult, Arguments, Risk
from trimtab.knowledge.embedding import Device
from trimtab.knowledge.errors import EmbedderUnavailable
from trimtab.knowledge.service import Knowledge

_TEXT = "The night watch closes the valves of tank {number} at half past nine and writes it down. "
_SENTENCES, _TEXTS, _WARM_UP = 5, 20, 3


def device_actions(knowledge: Knowledge) -> tuple[Action, ...]:
    """Return every action on devices."""

    def run(_: Arguments, __: ActionContext) -> ActionResult:
        cpu, gpu = _measure(knowledge, "cpu"), _measure(knowledge, "cuda")
        text = f"A passage of 80 words takes {_shown(cpu)} on the CPU and {_shown(gpu)} on the GPU."
        facts = {"cpu_ms": cpu, "gpu_ms": gpu, "device": knowledge.encoder.device}
        return ActionResult(text, facts, changes=False)

    return (
        Action(
            "knowledge.embedding.measure",
            "Measure how long a passage takes on the CPU and on the GPU; a GPU may be missing.",
            Risk.OBSERVE,
            run,
            run,
        ),
    )


def _shown(milliseconds: float | None) -> str:
    return (
        "an unknown time (it cannot be used)" if milliseconds is None else f"{milliseconds:.1f} ms"
    )


def _measure(knowledge: Knowledge, device: Device) -> float | None:
    """Return the median milliseconds of a passage; None where the device cannot be used."""
    model = knowledge.encoder.home.load(device)
    try:
        if model.device != device:
            return None
        times = []
        for number in range(_WARM_UP + _TEXTS):
            text = _TEXT.format(number=number) * _SENTENCES
            started = time.perf_counter()
            model.embed([text])
            times.append(time.perf_counter() - started)
        return round(statistics.median(times[_WARM_UP:]) * 1000, 2)
    except EmbedderUnavailable:
        return None
    finally:
        model.close()
