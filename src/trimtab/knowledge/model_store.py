"""Files of the embedding model on disk."""

import json
from pathlib import Path
from typing import Protocol

from trimtab.knowledge.embedders import EMBEDDERS, EmbedderKind
from trimtab.knowledge.embedding import Device, EmbeddingModel, ensure_model, model_problem
from trimtab.knowledge.records import STANDARD


class ModelStore(Protocol):
    """A model's files, and how to load them."""

    @property
    def folder(self) -> Path:
        """Return the folder of the files."""
        ...

    def install(self) -> bool:
        """Rebuild the files from the installed package unless intact; return whether rebuilt."""
        ...

    def prepare(self) -> None:
        """Make the files at the first start with this model; later starts leave what they find.

        Files that vanish or rot afterwards are a failure to diagnose, so they are not rebuilt here.
        """
        ...

    def missing(self) -> bool:
        """Return whether any of the files is missing. Cheap: reads none of them but the list."""
        ...

    def is_installed(self) -> bool:
        """Return whether the package that the files are made from is installed."""
        ...

    def problem(self) -> str:
        """Return what is wrong with the files in one phrase, or nothing. Reads all of them."""
        ...

    def load(self, device: Device | None = None) -> EmbeddingModel:
        """Load the model, or raise `EmbedderUnavailable`.

        Args:
            device: Where it should run; None means as the settings say.
        """
        ...


class PackagedModelStore:
    """A model of an installed package, converted into a folder of the data directory."""

    def __init__(
        self, folder: Path, threads: int, kind: EmbedderKind, device: Device = "cpu"
    ) -> None:
        self.folder = folder
        self._device: Device = device
        self._marker = folder.with_name(f"{folder.name}.installed")
        self._threads = threads
        self._kind = kind

    def install(self) -> bool:
        """Convert the model unless intact files are there."""
        made = ensure_model(self.folder, self._kind.source)
        self._marker.write_text(self._kind.source.model_id, encoding="utf-8")
        return made

    def prepare(self) -> None:
        """Convert the model when this data directory never had it."""
        model_id = self._kind.source.model_id
        if not self._marker.exists() or self._marker.read_text(encoding="utf-8") != model_id:
            self.install()

    def missing(self) -> bool:
        """Return whether the manifest or a file that it names is missing."""
        try:
            names = json.loads((self.folder / "manifest.json").read_bytes())["sha256"]
        except (OSError, ValueError, KeyError):
            return True
        return not all((self.folder / name).is_file() for name in names)

    def is_installed(self) -> bool:
        """Return whether the package with the weights is installed."""
        try:
            return self._kind.source.find().is_file()
        except OSError:
            return False

    def problem(self) -> str:
        """Return what is wrong with the files."""
        return model_problem(self.folder, self._kind.source)

    def load(self, device: Device | None = None) -> EmbeddingModel:
        """Load the embedding model."""
        return self._kind.load(self.folder, self._threads, device or self._device)


class MiniLmStore(PackagedModelStore):
    """The files of the model that is shipped."""

    def __init__(self, folder: Path, threads: int) -> None:
        super().__init__(folder, threads, EMBEDDERS[STANDARD])
