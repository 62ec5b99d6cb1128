"""Files of versions: safe content, hashes, atomic publication, and copies elsewhere."""

from trimtab.models.artifacts.folder import ArtifactFolder, Staged

__all__ = ["ArtifactFolder", "Staged"]
