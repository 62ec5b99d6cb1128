"""The facade of the models domain."""

import io
import math
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from trimtab.infra.background import PeriodicTask, TaskFinished
from trimtab.infra.breaker import BreakerState
from trimtab.infra.environment import Environment
from trimtab.infra.settings.sections.models import ModelsSettings
from trimtab.kernel.personal_data import ErasureStep
from trimtab.kernel.tasks import Task
from trimtab.models.artifacts import ArtifactFolder
from trimtab.models.artifacts.remote import (
    CopiedArtifacts,
    GuardedArtifacts,
    RemoteArtifacts,
    S3Artifacts,
)
from trimtab.models.canary import Canaries
from trimtab.models.context import ModelsContext
from trimtab.models.errors import ArtifactCorrupt
from trimtab.models.mlflow_folder import write_mlflow
from trimtab.models.packing import MANIFEST_FILE
from trimtab.models.records import PRODUCTION
from trimtab.models.registration import Registration
from trimtab.models.registry import Registry
from trimtab.models.registry.reconcile import append_missing
from trimtab.models.serving.health import ModelHealth, check_health
from trimtab.models.serving.service import Serving
from trimtab.models.serving.unsure import UnsurePrediction, unsure_predictions
from trimtab.models.trained import predictor_loader

_WARM_UP_SECONDS = 3600.0
_REGISTRATION_SECONDS = 3600.0
"""No registration takes longer; younger remains may be the work of another process."""


class Models:
    """Trained models: their registry, and their serving.

    Attributes:
        context: Of the domain.
        registry: Versions and aliases.
        registration: Registers uploaded files.
        serving: Predictions.
        canaries: Candidates next to production.
    """

    def __init__(self, context: ModelsContext) -> None:
        self.context = context
        max_bytes = int(context.settings.max_artifact_mb * 1e6)
        artifacts = ArtifactFolder(context.env.directory, max_bytes)
        settings = context.settings
        remote = _second_place(settings, context.env)
        self.registry = Registry(context, artifacts, predictor_loader, remote)
        self.registration = Registration(context, self.registry)
        self.serving = Serving(context, self.registry)
        self.canaries = Canaries(context, self.registry, self.serving)
        self._warm_up = PeriodicTask(
            "models warm-up", self._load_all, _WARM_UP_SECONDS, context.env.clock
        )

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Return the background tasks."""
        return (self._warm_up, *self.canaries.tasks)

    def personal_data(self) -> tuple[ErasureStep, ...]:
        """Return what the domain keeps about people."""
        store = self.serving.store
        return (ErasureStep("models.results", store.count_user, self._forget_user),)

    def unsure(self, since: datetime, below: float, limit: int) -> Iterator[UnsurePrediction]:
        """Yield the newest stored predictions of low confidence; see `unsure_predictions`."""
        return unsure_predictions(self.serving.store, since, below, limit)

    def health(self, name: str) -> ModelHealth:
        """Predict a golden row with what serves; see `check_health`."""
        return check_health(self.serving, name)

    def state(self, name: str) -> str:
        """Return in words whether a model serves, without loading it."""
        if PRODUCTION not in self.registry.aliases(name):
            return "nothing serves"
        server = self.serving.servers.get(name)
        if server is None:
            return "not loaded yet"
        if PRODUCTION in server.routing.failures:
            return server.routing.failures[PRODUCTION].message
        served = server.routing.servers[PRODUCTION]
        return "serves" if served.breaker.state is BreakerState.CLOSED else "fails"

    def verify(self, name: str) -> list[str]:
        """Check signature, files and golden batch of what serves; return the problems."""
        return self.serving.verify(name)

    def find_damaged(self, name: str) -> list[str]:
        """Return the versions that aliases name and whose files differ from their manifest."""
        found = []
        for number in sorted(set(self.registry.aliases(name).values())):
            version = self.registry.resolve(name, str(number))
            try:
                self.registry.verify_files(version)
            except ArtifactCorrupt:
                found.append(version.ref)
        return found

    def repair(self, name: str) -> list[str]:
        """Fetch damaged files of what aliases name from the second place, and serve them.

        Return the versions that were repaired.

        Raises:
            ModelUnknown, RemoteUnavailable, ArtifactCorrupt: It cannot be repaired.
        """
        aliases = self.registry.aliases(name)
        self.registry.versions(name)
        numbers = sorted(set(aliases.values()))
        repaired = [
            f"{name}@{number}" for number in numbers if self.registry.resync(name, str(number))
        ]
        if repaired:
            self.serving.refresh(name, reload=True)
        return repaired

    def export(self, name: str, ref: str, *, mlflow: bool = False) -> bytes:
        """Return a version as a zip archive: its files with ``manifest.json``, or for MLflow.

        Raises:
            ModelUnknown, VersionUnknown, ArtifactCorrupt, BadManifest: It cannot be exported.
        """
        version = self.registry.resolve(name, ref)
        self.registry.verify_files(version)
        folder = self.registry.artifacts.path(version.digest)
        with TemporaryDirectory() as temporary:
            extra = Path(temporary)
            if mlflow:
                write_mlflow(extra, version.manifest)
            else:
                (extra / MANIFEST_FILE).write_bytes(version.manifest.canonical)
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                for file in version.manifest.files:
                    archive.write(folder / file, file)
                for path in sorted(extra.iterdir()):
                    archive.write(path, path.name)
        return packed.getvalue()

    def drop_old_results(self) -> int:
        """Delete results that are older than the settings say; return their number."""
        age = timedelta(days=self.context.settings.keep_results_days)
        return self.serving.store.drop_before(self.context.env.clock.now() - age)

    def start(self) -> None:
        """Finish what was interrupted, and load what serves in the background."""
        env, before = self.context.env, math.inf
        if env.postgres is not None:
            before = env.clock.now().timestamp() - _REGISTRATION_SECONDS
        self.registry.artifacts.clean(self.registry.store.digests(), before)
        append_missing(self.registry.store, self.context.env.audit)
        self._warm_up.start()
        self.canaries.start()

    def close(self) -> None:
        """Answer what waits and stop. May be called twice."""
        self._warm_up.close()
        self.canaries.close()
        self.serving.close()

    def _load_all(self) -> None:
        self.serving.warm_up()
        raise TaskFinished

    def _forget_user(self, user_id: str) -> int:
        # The cache has no names in it, so it is emptied as a whole.
        self.serving.cache.clear()
        return self.serving.store.forget_user(user_id)


def _second_place(settings: ModelsSettings, env: Environment) -> RemoteArtifacts:
    """Return where artifacts are kept too: a bucket, or a folder of the data directory."""
    if settings.artifacts_url:
        bucket = S3Artifacts.of(settings.artifacts_url, settings.artifacts_endpoint)
        return GuardedArtifacts(bucket, env.dependencies)
    return CopiedArtifacts(env.directory.folder("model-copies"))
