"""Records of the registry: versions, manifests, input schemas and alias moves."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cache, cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from trimtab.kernel.ids import sha256_hex

if TYPE_CHECKING:
    from pydantic import TypeAdapter

PRODUCTION, CANDIDATE, PREVIOUS = "production", "candidate", "previous"
ALIASES = (PRODUCTION, CANDIDATE, PREVIOUS)
"""Names that point to one version each: what serves, what may serve next, what served before."""

JsonObject = Mapping[str, Any]


class ColumnKind(StrEnum):
    """Type of an input column."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    TEXT = "text"


class Flavour(StrEnum):
    """Format of an artifact, which decides what loads it."""

    SKOPS = "skops"
    """A scikit-learn estimator in one ``.skops`` file."""
    ONNX = "onnx"
    """A converted model that has been compared with the version it comes from."""
    TRIMTAB = "trimtab"
    """A folder of ``.npz`` and ``.json`` files read by a predictor of this package."""


@dataclass(frozen=True, slots=True)
class InputColumn:
    """One column of the input, in the order in which the model was trained."""

    name: str
    kind: ColumnKind = ColumnKind.NUMBER
    required: bool = True
    """Whether each row must have a value; a missing number is NaN."""
    minimum: float | None = None
    """The smallest number allowed; None allows all."""
    maximum: float | None = None


# Without slots, because every request reads what the columns imply.
@dataclass(frozen=True)
class InputSchema:
    """The columns that a model expects, in order."""

    columns: tuple[InputColumn, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def values_of(self) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
        """Return a function from a row to its values in order; it raises `KeyError`."""
        if len(self.names) == 1:
            (only,) = self.names
            return lambda row: (row[only],)
        return itemgetter(*self.names)

    @cached_property
    def is_numeric(self) -> bool:
        """Return whether all columns are numbers or booleans, so that a row is a vector."""
        return all(
            column.kind in (ColumnKind.NUMBER, ColumnKind.BOOLEAN) for column in self.columns
        )

    @cached_property
    def is_unbounded(self) -> bool:
        """Return whether every finite number is allowed in every column."""
        return all(
            column.kind is ColumnKind.NUMBER and column.minimum is None and column.maximum is None
            for column in self.columns
        )


@dataclass(frozen=True, slots=True)
class FeatureEdges:
    """Reference distribution of one feature, by which drift is measured later.

    A PSI threshold means nothing without pinned bins, so they are part of the version.
    """

    feature: str
    deciles: tuple[float, ...] = ()
    """Inner bin edges, ascending and distinct: at most 9; empty for categories and text."""
    shares: tuple[float, ...] = ()
    """Share of the reference in each of the ``len(deciles) + 1`` bins; sums to 1."""
    categories: Mapping[str, float] = field(default_factory=dict)
    """Share of each value of a category column; sums to 1."""
    null_rate: float = 0.0
    """Share of missing values, in [0, 1]; the shares above are those of the other values."""
    reference_rows: int = 0
    noise_floor: float = 0.0
    """PSI that a sample of `reference_rows` rows of the same distribution exceeds in 1 of 100
    cases.
    """
    log_mean: float | None = None
    """Mean of log |x| over values other than 0; a change of unit moves only this."""
    log_deviation: float | None = None
    positive_share: float | None = None
    weight: float | None = None
    """Importance of the feature for the model; None when it is not known."""


@dataclass(frozen=True, slots=True)
class GoldenBatch:
    """Rows with the outputs that the model gave when it was registered."""

    rows: tuple[JsonObject, ...]
    outputs: tuple[JsonObject, ...]
    """As the API returns them: ``label``, ``value``, ``probabilities``, ``details``."""
    tolerance: float = 1e-6
    """Greatest absolute difference of a number, and greatest relative one above 1."""


class Comparison(StrEnum):
    """Comparison of a column with a value."""

    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    EQUAL = "=="


@dataclass(frozen=True, slots=True)
class BaselineRule:
    """A rule of the baseline: the first that holds decides."""

    column: str
    comparison: Comparison
    than: float | str
    label: str = ""
    """The class that it gives; empty for a regression."""
    number: float = 0.0
    """The number that it gives in a regression."""


@dataclass(frozen=True, slots=True)
class ModelBaseline:
    """Rules and usual shares that answer without the model."""

    probabilities: Mapping[str, float] = field(default_factory=dict)
    """Mean probability of each class; empty for a regression."""
    number: float = 0.0
    """Mean of the predicted numbers of a regression."""
    rules: tuple[BaselineRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything about a version that is signed.

    Attributes:
        name: Of the model.
        flavour: What loads it.
        files: SHA-256 by relative path; the whole content of the artifact's folder.
        schema: The columns that it expects.
        golden: What it must reproduce before it serves.
        classes: Labels, in the order of the probabilities; empty for a regression.
        positive: The class that metrics and scores are about; empty if there is none.
        predictor: For the flavour ``trimtab``: the name of the predictor that reads the files.
        edges: Reference distribution of each feature.
        score_edges: Reference distribution of the score; None when it is not known.
        baseline: Answers when no version can; None for none.
        metrics: Measured when it was trained, by name.
        libraries: Versions by distribution name, as they were when it was saved.
        trusted_types: Types outside of scikit-learn that the artifact may hold.
        data_sha256: Hash of the training data; empty when it is not known.
        parent: Version that it replaces or was converted from; 0 for none.
        card: The model card, as Markdown.
    """

    name: str
    flavour: Flavour
    files: Mapping[str, str]
    schema: InputSchema
    golden: GoldenBatch
    classes: tuple[str, ...] = ()
    positive: str = ""
    predictor: str = ""
    edges: tuple[FeatureEdges, ...] = ()
    score_edges: FeatureEdges | None = None
    baseline: ModelBaseline | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    trusted_types: tuple[str, ...] = ()
    data_sha256: str = ""
    parent: int = 0
    card: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: JsonObject) -> "Manifest":
        """Return the manifest of a JSON object that `to_json` made.

        Raises:
            ValueError: The object is not a manifest; pydantic's error names the field.
        """
        return _adapter().validate_python(body)

    @property
    def canonical(self) -> bytes:
        """Return the bytes that are hashed and signed: sorted keys, no spaces."""
        return orjson.dumps(self.to_json(), option=orjson.OPT_SORT_KEYS)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the canonical form; it covers the hash of every file."""
        return sha256_hex(self.canonical)

    def changed(self, **fields: Any) -> "Manifest":
        """Return a copy with other values."""
        return replace(self, **fields)


@cache
def _adapter() -> "TypeAdapter[Manifest]":
    # Imported late: command line and start need no validation of manifests.
    from pydantic import ConfigDict, TypeAdapter, with_config

    return TypeAdapter(with_config(ConfigDict(extra="forbid", allow_inf_nan=False))(Manifest))


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered version: never changed, never numbered again."""

    name: str
    version: int
    """1, 2, ... by name."""
    digest: str
    """SHA-256 of the signed manifest; also the name of the artifact's folder."""
    manifest: Manifest
    signature: JsonObject
    """DSSE envelope over name, version and manifest."""
    registered_at: datetime
    registered_by: str

    @property
    def ref(self) -> str:
        """Return the reference ``name@version``."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class AliasMove:
    """One entry of the append-only log of aliases."""

    seq: int
    name: str
    alias: str
    version: int | None
    """None when the alias was removed."""
    previous: int | None
    """Where it pointed before; None at first."""
    at: datetime
    actor: str
    reason: str
