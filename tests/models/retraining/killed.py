"""A retraining on durable jobs that ends its process with SIGKILL at a step of it, or goes on to its end."""

from pathlib import Path

import numpy as np

from tests.models.factory import models_in, register
from tests.models.killed import kill_at
from trimtab.infra.audit import Audit
from trimtab.infra.jobs.opening import OpeningJobs
from trimtab.models.registry import Registry
from trimtab.models.registry.store import RegistryStore
from trimtab.models.retraining.module import build
from trimtab.models.retraining.records import TrainedCandidate
from trimtab.models.retraining.store import RetrainingStore

MODEL = "churn"
# Each `update` and `append` is counted, because one retraining has several.
STEPS = {
    "recorded": (RetrainingStore, "add", "before", 1),
    "stored": (RetrainingStore, "add", "after", 1),
    "audited": (Audit, "append", "after", 1),
    "started": (OpeningJobs, "start", "after", 1),
    "training": (Registry, "register", "before", 1),
    "registered": (Registry, "register", "after", 1),
    "compared": (RetrainingStore, "update", "before", 1),
    "waiting": (RetrainingStore, "update", "after", 1),
    "approved": (OpeningJobs, "send", "before", 1),
    "sent": (OpeningJobs, "send", "after", 1),
    "promoting": (Registry, "promote", "before", 1),
    "moved": (RegistryStore, "move", "after", 1),
    "promoted": (Registry, "promote", "after", 1),
    "ending": (RetrainingStore, "update", "before", 2),
    "ended": (RetrainingStore, "update", "after", 2),
}


def arm(step):
    owner, name, when, count = STEPS[step]
    plain, seen = getattr(owner, name), []
    kill_at(owner, name, when)
    deadly = getattr(owner, name)

    def counted(*given, **more):
        seen.append(name)
        return (deadly if len(seen) == count else plain)(*given, **more)

    setattr(owner, name, counted)


def trainer(models, folder):
    def train(data):
        assert data.read_bytes() == b"rows"
        version = register(models, folder, shift=0.4)
        labels = np.random.default_rng(1).random(400) < 0.3
        current = labels ^ (np.random.default_rng(2).random(400) < 0.3)
        return TrainedCandidate(version.version, version.digest, {}, labels, current, labels)

    return train


def retrain(folder: Path, step: str = "") -> None:
    """Begin a retraining below a folder, or go on with it, and decide it; end at a step when one is given."""
    with models_in(folder / "data") as models:
        env = models.context.env
        if step:
            arm(step)
        retrainings = build(env, models, {MODEL: trainer(models, folder)}).service
        env.jobs.launch(retrainings.resume)
        # Who got no answer asks again; who got one does not.
        known = retrainings.store.recent()
        found = known[0] if known else retrainings.start(MODEL, b"rows", "drift", "ada")
        while retrainings.store.get(found.id).state == "training":
            env.clock.sleep(0.02)
        waiting = retrainings.store.get(found.id)
        if waiting.state == "waiting":
            retrainings.decide(found.id, waiting.approval_hash, "eva", approve=True)
        env.jobs.wait(found.id)
        env.jobs.close()
