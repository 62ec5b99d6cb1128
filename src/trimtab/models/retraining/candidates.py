"""Trains candidates for the retraining jobs, and compares them with what serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from trimtab.models.ports import TextEncoder
from trimtab.models.records import PRODUCTION
from trimtab.models.registry import Registry
from trimtab.models.retraining.records import TrainedCandidate, Trainer
from trimtab.models.trained.judging import JudgedCandidate
from trimtab.models.trained.trainers import NAMES, trainer_of

_ACTOR = "retraining"


def retraining_trainers(registry: Registry, encoder: TextEncoder) -> Mapping[str, Trainer]:
    """Return the training function of each model of this package, by name."""
    return {name: CandidateTrainer(name, registry, encoder) for name in NAMES}


@dataclass(frozen=True, slots=True)
class CandidateTrainer:
    """Trains a candidate of one model and compares it with what serves.

    Attributes:
        name: The model.
        registry: Keeps the candidate; the same data give the same version.
        encoder: The embedding model, for models that read text.
    """

    name: str
    registry: Registry
    encoder: TextEncoder

    def __call__(self, data: Path, /) -> TrainedCandidate:
        """Return the candidate of a labelled file; see `Trainer`.

        Compared are predictions for the newest fifth of the rows, by a model fitted on the other
        rows: the candidate itself, which is fitted on all of them, has seen the answers. The
        serving version may have seen some of them too, which can only favour what serves.

        Raises:
            TrainingDataInvalid: The file lacks columns, classes or rows.
        """
        trainer = trainer_of(self.name)
        judged = trainer.judge(data, self.encoder)
        current = self._predict_current(judged)
        trained = trainer.train(data, self.encoder)
        parent = self.registry.aliases(self.name).get(PRODUCTION, 0)
        with TemporaryDirectory(prefix="retraining-") as temporary:
            folder = Path(temporary)
            trained.write_artifact(folder)
            manifest = trained.manifest.changed(parent=parent)
            version = self.registry.register(folder, manifest, _ACTOR)
        return TrainedCandidate(
            version=version.version,
            digest=version.digest,
            metrics=manifest.metrics,
            labels=judged.labels,
            current=current,
            candidate=judged.predicted,
            scored=judged.scored,
        )

    def _predict_current(self, judged: JudgedCandidate) -> NDArray[np.intp]:
        """Return the class that the serving version gives each row held out.

        Without one, every row has the most frequent class: the least that a model must beat.
        """
        if PRODUCTION not in self.registry.aliases(self.name):
            return np.full(len(judged.labels), np.bincount(judged.labels).argmax())
        outputs = self.registry.load(self.name).predictor.predict(judged.rows)
        assert outputs.labels is not None  # noqa: S101 - all models of this package have classes.
        positions = {name: at for at, name in enumerate(judged.classes)}
        # A class that the new data do not have is never right.
        own = np.asarray([positions.get(name, -1) for name in outputs.classes], dtype=np.intp)
        found: NDArray[np.intp] = own[outputs.labels]
        return found
