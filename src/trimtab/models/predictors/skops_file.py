"""Loads scikit-learn estimators from skops files without running their code."""

import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from trimtab.models.errors import (
    ArtifactRefused,
    LibraryMismatch,
    LibraryMissing,
    UntrustedTypes,
)
from trimtab.models.records import Manifest

SKLEARN = "scikit-learn"
_SHOWN = 10


def untrusted_types(file: Path) -> list[str]:
    """Return the types in a skops file that are not trusted by skops itself."""
    from skops.io import get_untrusted_types

    try:
        return sorted(get_untrusted_types(file=str(file)))
    # A crafted file makes the reader fail in any way; it has not run anything of the file.
    except Exception as error:
        raise ArtifactRefused(f"{file.name} cannot be read as a skops file: {error}.") from error


def read_estimator(file: Path, trusted: Sequence[str]) -> tuple[Any, Mapping[str, str]]:
    """Return the estimator, and the versions of libraries that saved it where they differ.

    Raises:
        UntrustedTypes: It holds a type that neither skops nor the caller trusts.
        ArtifactRefused: The file is damaged.
        LibraryMissing: A trusted type is of a package that is not installed.
    """
    from sklearn.exceptions import InconsistentVersionWarning
    from skops.io import load

    found = untrusted_types(file)
    if refused := [name for name in found if name not in trusted]:
        more = f" and {len(refused) - _SHOWN} more" if len(refused) > _SHOWN else ""
        raise UntrustedTypes(
            f"{file.name} holds types that are not trusted: {', '.join(refused[:_SHOWN])}{more}."
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimator = load(str(file), trusted=found)
        except ImportError as error:
            raise LibraryMissing(
                f"{file.name} needs a package that is not installed: {error}.",
                hint="Install it next to trimtab, then repeat the call.",
            ) from error
        except Exception as error:
            raise ArtifactRefused(f"{file.name} cannot be loaded: {error}.") from error
    saved = sorted(
        str(item.message.original_sklearn_version)
        for item in caught
        if isinstance(item.message, InconsistentVersionWarning)
    )
    return estimator, {SKLEARN: saved[0]} if saved else {}


def load_estimator(file: Path, manifest: Manifest) -> Any:
    """Return the estimator of a manifest; see `read_estimator`.

    Raises:
        LibraryMismatch: Another version of scikit-learn saved it than the manifest says.
    """
    estimator, saved = read_estimator(file, manifest.trusted_types)
    if saved and saved[SKLEARN] != manifest.libraries.get(SKLEARN):
        raise library_mismatch(file.name, saved[SKLEARN])
    return estimator


def library_mismatch(name: str, saved: str) -> LibraryMismatch:
    """Return the error of a model that another version of scikit-learn saved."""
    return LibraryMismatch(
        f"{name} was saved with scikit-learn {saved}; {installed(SKLEARN)} is installed.",
        hint=(
            f"Train it again with the installed version, install scikit-learn=={saved}, or register"
            " it with --accept-libraries: then its golden batch decides."
        ),
    )


def installed(distribution: str) -> str:
    """Return the installed version of a distribution; empty when it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
