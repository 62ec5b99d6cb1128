"""Errors of the models domain.

ModelUnknown         models.unknown               NotFound
VersionUnknown       models.version_unknown       NotFound
RequestUnknown       models.request_unknown       NotFound
BadModelName         models.bad_name              InvalidInput
BadManifest          models.bad_manifest          InvalidInput
InvalidRows          models.invalid_rows          InvalidInput
TooManyRows          models.too_many_rows         TooLarge
ArtifactRefused      models.artifact_refused      InvalidInput
ArtifactTooLarge     models.artifact_too_large    TooLarge
UntrustedTypes       models.untrusted_types       InvalidInput
LibraryMismatch      models.library_mismatch      Conflict
LibraryMissing       models.library_missing       Unavailable
GoldenMismatch       models.golden_mismatch       Conflict
ParityMismatch       models.parity_mismatch       Conflict
AliasRefused         models.alias_refused         Conflict
ArtifactCorrupt      models.artifact_corrupt      Corrupt
ModelUnavailable     models.unavailable           Unavailable
PredictionLate       models.prediction_late       DeadlineExceeded
"""

from trimtab.kernel.errors import (
    Conflict,
    Corrupt,
    DeadlineExceeded,
    InvalidInput,
    NotFound,
    TooLarge,
    Unavailable,
)


class ModelUnknown(NotFound):
    """No model has that name."""

    code = "models.unknown"
    default_hint = "`trimtab models list` lists the names; `trimtab models register` adds one."


class VersionUnknown(NotFound):
    """The model has no such version, or its alias names none."""

    code = "models.version_unknown"
    default_hint = "`trimtab models versions NAME` lists its versions and aliases."


class RequestUnknown(NotFound):
    """No stored prediction has that request id."""

    code = "models.request_unknown"
    default_hint = "Results are kept for `models.keep_results_days`; older ones are deleted."


class BadModelName(InvalidInput):
    """The model's name has characters that are not allowed."""

    code = "models.bad_name"
    default_hint = "Use lower-case letters, digits, hyphen and underscore; 1 to 64 characters."


class BadManifest(InvalidInput):
    """The manifest of a model is incomplete or contradicts itself."""

    code = "models.bad_manifest"
    default_hint = "docs/models.md describes every field of manifest.json."


class InvalidRows(InvalidInput):
    """The rows do not fit the model's input schema."""

    code = "models.invalid_rows"
    default_hint = "`trimtab models show NAME` prints the columns that the model expects."


class TooManyRows(TooLarge):
    """The request has more rows than one call may have."""

    code = "models.too_many_rows"
    default_hint = "Send the rows in several calls; `models.max_rows` is the limit of one."


class ArtifactRefused(InvalidInput):
    """The file is not an artifact that is safe to load."""

    code = "models.artifact_refused"
    default_hint = (
        "Save the estimator with `skops.io.dump(model, 'model.skops')`, then register that file."
    )


class ArtifactTooLarge(TooLarge):
    """The artifact is larger than allowed, packed or unpacked."""

    code = "models.artifact_too_large"
    default_hint = "`models.max_artifact_mb` is the limit of the unpacked size."


class UntrustedTypes(InvalidInput):
    """The artifact holds types that are not on the list of trusted types."""

    code = "models.untrusted_types"
    default_hint = (
        "If you know these types, add them to `models.trusted_types`; a type can run code."
    )


class LibraryMismatch(Conflict):
    """The model was saved with another version of its library."""

    code = "models.library_mismatch"


class LibraryMissing(Unavailable):
    """A library that the model needs is not installed."""

    code = "models.library_missing"


class GoldenMismatch(Conflict):
    """The model does not reproduce the stored outputs of its golden batch in this process."""

    code = "models.golden_mismatch"
    default_hint = (
        "Compare the library versions of `trimtab models show NAME` with `trimtab models verify`."
    )


class ParityMismatch(Conflict):
    """A converted model predicts something else than the version it was converted from."""

    code = "models.parity_mismatch"
    default_hint = "Let the scikit-learn version serve, or convert it with another converter."


class AliasRefused(Conflict):
    """The alias cannot be moved as asked."""

    code = "models.alias_refused"
    default_hint = "`trimtab models versions NAME` shows where each alias points."


class ArtifactCorrupt(Corrupt):
    """A stored file of a version differs from its signed manifest."""

    code = "models.artifact_corrupt"
    default_hint = "`trimtab models verify NAME --repair` fetches it again, or register it again."


class ModelUnavailable(Unavailable):
    """Neither the model nor any of its fallbacks could answer."""

    code = "models.unavailable"
    default_hint = (
        "`trimtab models verify NAME` tells why; the runbook model-inference-failures repairs it."
    )


class PredictionLate(DeadlineExceeded):
    """The prediction was not ready within the deadline."""

    code = "models.prediction_late"
    default_hint = "Send fewer rows in one call, or raise `models.deadline_seconds`."
