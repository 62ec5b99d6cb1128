"""Signs the manifest of a version, and verifies it before anything is loaded."""

from trimtab.infra.signing import Envelope, Signer, open_envelope
from trimtab.kernel.errors import Corrupt
from trimtab.models.errors import ArtifactCorrupt
from trimtab.models.records import Manifest, ModelVersion

PAYLOAD_TYPE = "application/vnd.trimtab.model-version+json"


def sign_version(signer: Signer, version: int, manifest: Manifest) -> Envelope:
    """Return the signed statement that these bytes are this version."""
    return signer.sign(PAYLOAD_TYPE, _statement(version, manifest))


def verify_signature(version: ModelVersion, public_pem: str) -> None:
    """Check that the stored manifest is the one that was signed.

    Raises:
        ArtifactCorrupt: Manifest, number or signature was changed.
    """
    try:
        statement = open_envelope(version.signature, public_pem, PAYLOAD_TYPE)
    except Corrupt as error:
        raise ArtifactCorrupt(f"The signature of {version.ref} is not valid.") from error
    found = version.manifest.digest
    if found != version.digest or statement != _statement(version.version, version.manifest):
        raise ArtifactCorrupt(f"The manifest of {version.ref} is not the one that was signed.")


def _statement(version: int, manifest: Manifest) -> dict[str, object]:
    return {
        "name": manifest.name,
        "version": version,
        "manifest_sha256": manifest.digest,
        "files": dict(manifest.files),
    }
