"""One operation on a models domain that ends its process with SIGKILL at a step of it."""

import os
import signal
from pathlib import Path

from tests.models.factory import models_in, register
from trimtab.infra.audit import Audit
from trimtab.models.artifacts import ArtifactFolder
from trimtab.models.registry.store import RegistryStore
from trimtab.models.serving.service import Serving

STEPS = {
    "register": (
        (ArtifactFolder, "publish", "before"),
        (ArtifactFolder, "publish", "after"),
        (RegistryStore, "add", "before"),
        (RegistryStore, "add", "after"),
        (Audit, "append", "before"),
        (Audit, "append", "after"),
    ),
    "promote": (
        (RegistryStore, "move", "before"),
        (RegistryStore, "move", "after"),
        (Audit, "append", "before"),
        (Audit, "append", "after"),
        (Serving, "refresh", "before"),
        (Serving, "refresh", "after"),
    ),
}
STEPS["rollback"] = STEPS["promote"]


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at(owner, name, when):
    inner = getattr(owner, name)

    def wrapped(*given, **more):
        if when == "before":
            die()
        found = inner(*given, **more)
        die()
        return found

    setattr(owner, name, wrapped)


def operate(folder: Path, operation: str, step: int) -> None:
    """Begin an operation on the models below a folder, and never end it."""
    with models_in(folder / "data") as models:
        if operation != "register":
            models.serving.ready("churn")
        kill_at(*STEPS[operation][step])
        if operation == "register":
            register(models, folder, shift=0.4)
        elif operation == "promote":
            models.registry.promote("churn", 2, "job", "better", key="job-1")
        else:
            models.registry.rollback("churn", "job", "worse", key="job-1")
