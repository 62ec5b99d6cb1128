"""References of registered versions, from the distribution in their manifests."""

from trimtab.kernel.errors import NotFound
from trimtab.models.monitoring.profile import CALIBRATION_BINS, FeatureProfile, ReferenceProfile
from trimtab.models.monitoring.service import FOLLOWS_REGISTRY
from trimtab.models.records import PRODUCTION, FeatureEdges, Manifest
from trimtab.models.registry.registry import Registry


def registered_reference(registry: Registry, name: str) -> tuple[ReferenceProfile, str] | None:
    """Return the reference of the version in production and its source; None without one."""
    try:
        version = registry.resolve(name, PRODUCTION)
    except NotFound:
        return None
    reference = reference_of(version.manifest)
    return None if reference is None else (reference, f"{FOLLOWS_REGISTRY}{version.version}")


def reference_of(manifest: Manifest) -> ReferenceProfile | None:
    """Return the reference that a manifest describes; None when it has no distribution."""
    features = tuple(
        profile for edges in manifest.edges if (profile := _profile(edges)) is not None
    )
    if not features:
        return None
    score = _profile(manifest.score_edges) if manifest.score_edges else None
    # A version that states its calibration error is trusted to be calibrated.
    calibrated = "calibration_error" in manifest.metrics
    middles = tuple((number + 0.5) / CALIBRATION_BINS for number in range(CALIBRATION_BINS))
    return ReferenceProfile(
        features,
        score,
        manifest.positive or "1",
        middles if calibrated else (),
        manifest.metrics.get("calibration_error"),
    )


def _profile(edges: FeatureEdges) -> FeatureProfile | None:
    """Return the profile of a feature; None without edges, as of a text."""
    if edges.categories:
        names = tuple(edges.categories)
        shares = (*edges.categories.values(), 0.0)
        return FeatureProfile(
            edges.feature,
            categories=names,
            shares=shares,
            rows=edges.reference_rows,
            null_rate=edges.null_rate,
        )
    if not edges.deciles or len(edges.shares) != len(edges.deciles) + 1:
        return None
    return FeatureProfile(
        edges.feature,
        edges=edges.deciles,
        shares=edges.shares,
        rows=edges.reference_rows,
        null_rate=edges.null_rate,
        log_mean=edges.log_mean,
        log_deviation=edges.log_deviation,
        positive_share=edges.positive_share,
        weight=edges.weight,
    )
