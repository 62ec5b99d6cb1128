"""Registers versions, proves them in this process, and moves their aliases."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trimtab.infra.malloc import settled_resident_bytes
from trimtab.kernel.drilling import OWN_PROJECT
from trimtab.kernel.events import Event
from trimtab.models.artifacts import ArtifactFolder, Staged
from trimtab.models.artifacts.folder import check_hashes
from trimtab.models.artifacts.remote import RemoteArtifacts, RemoteUnavailable
from trimtab.models.context import ModelsContext
from trimtab.models.errors import (
    AliasRefused,
    ArtifactCorrupt,
    ArtifactRefused,
    ModelUnknown,
    VersionUnknown,
)
from trimtab.models.ports import Predictor
from trimtab.models.predictors import PredictorTable, load_predictor
from trimtab.models.predictors.skops_file import SKLEARN, installed, library_mismatch
from trimtab.models.records import (
    ALIASES,
    CANDIDATE,
    PREVIOUS,
    PRODUCTION,
    AliasMove,
    Flavour,
    Manifest,
    ModelVersion,
)
from trimtab.models.registry.golden import check_golden
from trimtab.models.registry.manifests import check_manifest
from trimtab.models.registry.parity import check_parent, check_parity
from trimtab.models.registry.reconcile import ALIAS_MOVED, REGISTERED, move_facts
from trimtab.models.registry.signing import sign_version, verify_signature
from trimtab.models.registry.store import MoveReason, RegistryStore

_log = logging.getLogger(__name__)
MOVED = "models.alias_moved"
"""Event after aliases of a model were moved; its facts name the model and the moves."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A version in memory whose golden batch was reproduced in this process."""

    version: ModelVersion
    predictor: Predictor
    memory_bytes: int = 0
    """Growth of the process's memory while it was loaded and proved."""


class Registry:
    """The versions of all models. Safe for many threads.

    Args:
        context: Of the domain.
        artifacts: The files of the versions.
        own: Finds predictors of the flavour ``trimtab``.
        remote: A second place for artifacts.
    """

    def __init__(
        self,
        context: ModelsContext,
        artifacts: ArtifactFolder,
        own: PredictorTable,
        remote: RemoteArtifacts,
    ) -> None:
        self._context = context
        self.artifacts = artifacts
        self.remote = remote
        self.store = RegistryStore(context.database)
        self._own = own
        self._loaded: dict[str, LoadedModel] = {}
        self._lock = threading.RLock()

    # Reading

    def names(self) -> list[str]:
        """Return the names of all models, sorted."""
        return self.store.names()

    def versions(self, name: str) -> list[ModelVersion]:
        """Return the versions of a model, oldest first; raises `ModelUnknown`."""
        found = self.store.versions(name)
        if not found:
            raise ModelUnknown(f"There is no model named {name[:80]!r}.")
        return found

    def aliases(self, name: str) -> Mapping[str, int]:
        """Return the version of each alias of a model."""
        return self.store.aliases(name)

    def resolve(self, name: str, ref: str = PRODUCTION) -> ModelVersion:
        """Return the version that an alias or a number names.

        Raises:
            ModelUnknown, VersionUnknown: There is none.
        """
        if ref.isascii() and ref.isdigit() and len(ref) < 10:
            number: int | None = int(ref)
        else:
            number = self.store.aliases(name).get(ref)
        found = None if number is None else self.store.version(name, number)
        if found is None:
            self.versions(name)
            raise VersionUnknown(f"Model {name!r} has no version {ref[:40]!r}.")
        return found

    def alias_log(self, name: str, limit: int = 1000) -> list[AliasMove]:
        """Return the moves of a model's aliases, newest first; raises `ModelUnknown`."""
        self.versions(name)
        return self.store.log(name, limit)

    # Registering

    def register(
        self, source: Path, manifest: Manifest, actor: str, *, accept_libraries: bool = False
    ) -> ModelVersion:
        """Register a version, all or nothing; the same bytes and manifest give the same version.

        Args:
            source: The artifact: a file, or a folder of files.
            manifest: Describes it. Its `files` may be empty; else they must be those of the source.
            actor: Who registers it.
            accept_libraries: Whether another version of scikit-learn may have saved it.

        Raises:
            BadManifest, ArtifactRefused, ArtifactTooLarge, UntrustedTypes, LibraryMismatch: It
            cannot be registered.
            GoldenMismatch: It does not reproduce its golden batch here.
            ParityMismatch: It was converted, and predicts something else than its parent.
        """
        check_manifest(manifest, self._context.settings.max_rows)
        saved = manifest.libraries.get(SKLEARN, "")
        is_other = manifest.flavour is Flavour.SKOPS and saved not in ("", installed(SKLEARN))
        if is_other and not accept_libraries:
            raise library_mismatch(manifest.name, saved)
        with self.artifacts.stage(source) as staged:
            if manifest.files and dict(manifest.files) != dict(staged.files):
                raise ArtifactRefused("The files are not those that the manifest names.")
            complete = manifest.changed(files=dict(staged.files))
            predictor = self._prove(staged.folder, complete, complete.name)
            if complete.flavour is Flavour.ONNX:
                self._compare(predictor, complete)
            with self._lock:
                known = self.store.with_digest(complete.name, complete.digest)
                if known is not None:
                    return known
                self.artifacts.publish(staged, complete.digest)
                return self._add(complete, actor)

    def _compare(self, converted: Predictor, manifest: Manifest) -> None:
        """Check that a converted model predicts what its parent predicts."""
        parent = check_parent(manifest, self.store.version(manifest.name, manifest.parent))
        check_parity(converted, self.load_version(parent).predictor, parent)

    def _add(self, manifest: Manifest, actor: str) -> ModelVersion:
        env = self._context.env
        number = self.store.next_version(manifest.name)
        version = ModelVersion(
            name=manifest.name,
            version=number,
            digest=manifest.digest,
            manifest=manifest,
            signature=sign_version(env.signer, number, manifest),
            registered_at=env.clock.now(),
            registered_by=actor,
        )
        self.store.add(version)
        facts = {"version": number, "sha256": version.digest}
        env.audit.append(actor, REGISTERED, manifest.name, facts)
        try:
            self._upload(version)
        except RemoteUnavailable as error:
            # The version is registered; a periodic task uploads what is missing.
            _log.warning("an artifact was not uploaded", extra={"error": error.message})
        return version

    def forget_drill(self, name: str) -> None:
        """Delete a model that a drill made; its alias log stays.

        Raises:
            AliasRefused: The model is not one of a drill.
        """
        if not name.startswith(OWN_PROJECT):
            raise AliasRefused(f"Model {name!r} was not made by a drill; versions are kept.")
        with self._lock:
            for version in self.store.versions(name):
                self.unload(version.digest)
            digests = self.store.delete(name)
            for digest in digests:
                self.artifacts.remove(digest)

    # Loading

    def load(self, name: str, ref: str = PRODUCTION) -> LoadedModel:
        """Return a version in memory, verified and proven when it is loaded.

        Raises:
            ModelUnknown, VersionUnknown: There is none.
            ArtifactCorrupt: Signature or files are not those that were registered.
            GoldenMismatch, LibraryMismatch, LibraryMissing: It does not run here as it did.
        """
        return self.load_version(self.resolve(name, ref))

    def load_version(self, version: ModelVersion) -> LoadedModel:
        """Return that version in memory; see `load`."""
        with self._lock:
            loaded = self._loaded.get(version.digest)
        if loaded is not None:
            return loaded
        self.verify_files(version)
        before = settled_resident_bytes()
        predictor = self._prove(self.artifacts.path(version.digest), version.manifest, version.ref)
        grown = max(0, settled_resident_bytes() - before)
        with self._lock:
            return self._loaded.setdefault(version.digest, LoadedModel(version, predictor, grown))

    def unload(self, digest: str) -> None:
        """Drop a version from memory; its next use loads and proves it again."""
        with self._lock:
            self._loaded.pop(digest, None)

    def verify_files(self, version: ModelVersion) -> None:
        """Check signature and files of a version; raises `ArtifactCorrupt`."""
        verify_signature(version, self._context.env.signer.public_pem)
        self.artifacts.verify(version.digest, version.manifest.files)

    def _prove(self, folder: Path, manifest: Manifest, ref: str) -> Predictor:
        trusted = self._context.settings.trusted_types
        encoder = self._context.encoder
        predictor = load_predictor(folder, manifest, encoder, self._own, trusted)
        check_golden(predictor, manifest, ref)
        return predictor

    # A second place for artifacts

    def resync(self, name: str, ref: str = PRODUCTION) -> bool:
        """Fetch the files of a version again if they are damaged; return whether they were.

        Raises:
            RemoteUnavailable: The second place cannot be used.
            ArtifactCorrupt: The manifest is damaged, or what was fetched is not what was signed.
        """
        version = self.resolve(name, ref)
        verify_signature(version, self._context.env.signer.public_pem)
        files = version.manifest.files
        try:
            self.artifacts.verify(version.digest, files)
        except ArtifactCorrupt:
            _log.warning("fetching an artifact again", extra={"model": version.ref})
        else:
            return False
        with self.artifacts.empty() as folder:
            self.remote.download(name, version.version, folder, files)
            staged = Staged(folder, files)
            check_hashes(staged)
            with self._lock:
                self.unload(version.digest)
                self.artifacts.publish(staged, version.digest)
        env = self._context.env
        env.audit.append("models", "models.resync", name, {"version": version.version})
        return True

    def upload_missing(self) -> int:
        """Store every version in the second place that it lacks; return their number.

        Raises:
            RemoteUnavailable: The second place cannot be used.
        """
        count = 0
        for name in self.names():
            for version in self.versions(name):
                if not self.remote.holds(name, version.version, version.manifest.files):
                    self._upload(version)
                    count += 1
        return count

    def _upload(self, version: ModelVersion) -> None:
        self.verify_files(version)
        folder = self.artifacts.path(version.digest)
        self.remote.upload(version.name, version.version, folder, version.manifest.files)

    # Aliases

    def move_alias(
        self, name: str, alias: str, version: int | None, actor: str, reason: str
    ) -> AliasMove | None:
        """Point an alias to a version; None removes it. Return None when it pointed there.

        A version becomes ``production`` through `promote`, which keeps the former one.
        """
        if alias not in ALIASES:
            raise AliasRefused(
                f"There is no alias {alias[:40]!r}.", hint=f"Use one of: {', '.join(ALIASES)}."
            )
        if version is not None:
            self.load(name, str(version))
        if alias == PRODUCTION and version is not None:
            moves = self.promote(name, version, actor, reason)
            return next((move for move in moves if move.alias == PRODUCTION), None)
        moves = self._move(name, {alias: version}, self._reason(actor, reason))
        self._announce(name, moves)
        return moves[0] if moves else None

    def promote(
        self, name: str, version: int, actor: str, reason: str, key: str = ""
    ) -> list[AliasMove]:
        """Let a version serve: golden batch first, then production and previous in one step.

        Args:
            name: Of the model.
            version: Becomes ``production``; the one that was it becomes ``previous``.
            actor: Who decided.
            reason: For the log.
            key: The same key is the same promotion, which happens once.
        """
        self.load(name, str(version))
        with self._lock:
            current = self.aliases(name)
            targets: dict[str, int | None] = {PRODUCTION: version}
            if (serving := current.get(PRODUCTION)) not in (None, version):
                targets[PREVIOUS] = serving
            if current.get(CANDIDATE) == version:
                targets[CANDIDATE] = None
            moves = self._move(name, targets, self._reason(actor, reason, key))
        return self._announce(name, moves)

    def rollback(self, name: str, actor: str, reason: str, key: str = "") -> list[AliasMove]:
        """Let the previous version serve again, after its golden batch.

        ``previous`` then points to what served before it, so that a second rollback never returns
        to the version that was rolled back.

        Raises:
            AliasRefused: There is no previous version.
        """
        if key and self.store.was_moved(key):
            return []
        target = self.aliases(name).get(PREVIOUS)
        if target is None:
            self.versions(name)
            raise AliasRefused(f"Model {name!r} has no previous version to roll back to.")
        self.load(name, str(target))
        with self._lock:
            current = self.aliases(name)
            if current.get(PREVIOUS) != target:
                raise AliasRefused(f"The aliases of {name!r} were moved meanwhile.")
            targets = {
                PRODUCTION: target,
                PREVIOUS: self._served_before(name, target, current.get(PRODUCTION)),
            }
            moves = self._move(name, targets, self._reason(actor, reason, key))
        return self._announce(name, moves)

    def _served_before(self, name: str, version: int, bad: int | None) -> int | None:
        """Return what was in production before that version, by the log."""
        for move in self.store.log(name):
            if move.alias == PRODUCTION and move.version == version:
                return move.previous if move.previous not in (bad, version) else None
        return None

    def _reason(self, actor: str, reason: str, key: str = "") -> MoveReason:
        return MoveReason(self._context.env.clock.now(), actor, reason, key)

    def _move(
        self, name: str, targets: Mapping[str, int | None], why: MoveReason
    ) -> list[AliasMove]:
        moves = self.store.move(name, targets, why)
        if moves:
            self._context.env.audit.append(why.actor, ALIAS_MOVED, name, move_facts(moves))
        return moves

    def _announce(self, name: str, moves: list[AliasMove]) -> list[AliasMove]:
        """Publish the moves, without the lock: who hears of them loads versions."""
        if moves:
            facts: dict[str, object] = {move.alias: move.version for move in moves}
            self._context.env.events.publish(Event(MOVED, moves[0].at, name, facts))
        return moves
