"""Policy of the gates, read from YAML; unknown keys are refused."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast, get_type_hints

import orjson
import yaml

from trimtab.gates.errors import PolicyWrong
from trimtab.infra.yaml_loader import UntrustedLoader
from trimtab.kernel.ids import sha256_hex

GATES = (
    "schema",
    "datasets",
    "benchmark",
    "plausibility",
    "drift",
    "supply_chain",
    "docs",
    "process",
)


@dataclass(frozen=True, slots=True)
class DatasetPolicy:
    """Settings of the dataset gate."""

    default_min_samples: int = 1
    """Samples a dataset must hold unless `min_samples` names it."""
    min_samples: Mapping[str, int] = field(default_factory=dict)
    """Dataset name to the fewest samples."""


@dataclass(frozen=True, slots=True)
class BenchmarkPolicy:
    """Settings of the benchmark gate."""

    compute_modes: tuple[str, ...] = ("cpu", "gpu", "tpu", "npu", "mixed")
    environment: tuple[str, ...] = ("PYTHONHASHSEED", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    """Variables a run must record."""
    timeout_s: float = 86_400.0
    """The longest a single result may take, in seconds."""
    timeouts_s: Mapping[str, float] = field(default_factory=dict)
    """Benchmark name to its own limit, in seconds."""
    require_log: bool = False
    """Whether each result must name its JSONL log."""
    require_proof: bool = False
    """Whether a second run in another process must have given the same results."""


@dataclass(frozen=True, slots=True)
class PlausibilityPolicy:
    """Settings of the plausibility gate."""

    z: float = 4.0
    """How many standard errors beyond a window count as implausible (4: about 1 in 30,000 by luck).
    """
    windows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Own or changed windows: name to any of samples, chance, best, source."""


@dataclass(frozen=True, slots=True)
class DriftPolicy:
    """Settings of the drift gate."""

    accuracy_tolerance: float = 0.02
    """The window around the baseline's accuracy, absolute; beyond it is critical."""
    tolerances: Mapping[str, float] = field(default_factory=dict)
    """Benchmark name to its own tolerance."""
    justifications: Mapping[str, str] = field(default_factory=dict)
    """Benchmark name to why its tolerance differs; required for each entry of `tolerances`."""
    z: float = 1.96
    """Differences within this many standard errors are noise."""
    duration_tolerance: float = 0.25
    """Relative growth of duration_s that calls for a performance review."""
    memory_tolerance: float = 0.25
    """Relative growth of peak memory that calls for a performance review."""
    psi_warning: float = 0.2
    psi_critical: float = 0.3


@dataclass(frozen=True, slots=True)
class SupplyChainPolicy:
    """Settings of the supply-chain gate."""

    advisory_max_age_days: int = 30
    """An older snapshot turns the gate amber."""
    critical_cvss: float = 9.0
    """CVSS base score from which a vulnerability is critical."""
    ignore: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Advisory id to ``reason`` and ``until`` (ISO date); counts until that day."""
    licences_denied: tuple[str, ...] = ("AGPL", "GPL-2", "GPL-3", "GPLv2", "GPLv3", "SSPL", "BUSL")
    """Beginnings of licence names that block; a choice (``MIT OR GPL-3.0``) passes if one side is
    allowed.
    """
    licences_known: Mapping[str, str] = field(default_factory=dict)
    """Package name to its licence where the package does not state it."""
    allow_dirty: bool = False
    """Whether a build from a tree with uncommitted changes is acceptable."""
    trusted_keys: tuple[str, ...] = ()
    """If given, only these key ids count, whatever keys/trust.json says."""
    site: str = ""
    """Site directory of the environment that ships, relative to the project; empty for the running
    interpreter's.
    """
    sign: tuple[str, ...] = ()
    """Files that must be covered by the signed provenance; the SBOM always is."""


@dataclass(frozen=True, slots=True)
class DocsPolicy:
    """Settings of the docs gate."""

    paths: tuple[str, ...] = ("README.md", "CONTRIBUTING.md", "docs", "schemas")
    """Markdown files and folders to check."""


@dataclass(frozen=True, slots=True)
class ProcessPolicy:
    """Settings of the process gate."""

    approvals: int = 1
    """Reviews by others than the author that a change needs."""
    files: tuple[str, ...] = ("LICENSE",)
    """Files that must exist."""
    pin_actions: bool = True
    """Whether workflow steps must name a full commit."""


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """Settings of all gates of a project."""

    require: tuple[str, ...] = ("schema", "benchmark", "plausibility")
    """Gates whose evidence must be there; the others run when it is."""
    warnings_block: bool = False
    """Whether a finding that needs review blocks instead."""
    datasets: DatasetPolicy = field(default_factory=DatasetPolicy)
    benchmark: BenchmarkPolicy = field(default_factory=BenchmarkPolicy)
    plausibility: PlausibilityPolicy = field(default_factory=PlausibilityPolicy)
    drift: DriftPolicy = field(default_factory=DriftPolicy)
    supply_chain: SupplyChainPolicy = field(default_factory=SupplyChainPolicy)
    docs: DocsPolicy = field(default_factory=DocsPolicy)
    process: ProcessPolicy = field(default_factory=ProcessPolicy)

    def sha256(self) -> str:
        """Return the hash of all values, the policy's id in verdicts."""
        return sha256_hex(orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS))


def load_policy(path: Path) -> GatePolicy:
    """Read and validate a policy from a YAML file.

    Raises:
        PolicyWrong: The file is not a mapping, has an unknown key or one twice, or a value has the
            wrong type or range.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), UntrustedLoader)  # noqa: S506 - it is safe.
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise PolicyWrong(f"{path.name} cannot be read: {error}") from error
    policy = cast("GatePolicy", _build(GatePolicy, {} if data is None else data, path.name))
    unknown = sorted(set(policy.require) - set(GATES))
    if unknown:
        raise PolicyWrong(f"{path.name}: require names the unknown gate {unknown[0]!r}.")
    unexplained = sorted(set(policy.drift.tolerances) - set(policy.drift.justifications))
    if unexplained:
        raise PolicyWrong(
            f"{path.name}: drift.tolerances.{unexplained[0]} has no justification.",
            hint=f"Say why under drift.justifications.{unexplained[0]}.",
        )
    for advisory, entry in policy.supply_chain.ignore.items():
        _check_ignored(entry, f"{path.name}: supply_chain: ignore.{advisory}")
    return policy


def _check_ignored(entry: Mapping[str, str], where: str) -> None:
    try:
        complete = bool(entry["reason"]) and date.fromisoformat(entry["until"])
    except (KeyError, ValueError):
        complete = False
    if not complete:
        raise PolicyWrong(
            f"{where} needs a reason and the date until which it counts.",
            hint="Write {reason: WHY, until: YYYY-MM-DD}.",
        )


def _build(kind: type, data: object, where: str) -> object:
    if not isinstance(data, dict):
        raise PolicyWrong(f"{where} must be a mapping.")
    hints = get_type_hints(kind)
    known = {entry.name for entry in fields(kind)}
    unknown = sorted(set(map(str, data)) - known)
    if unknown:
        raise PolicyWrong(f"{where}: there is no key {unknown[0]!r}.")
    values = {key: _value(hints[key], value, f"{where}: {key}") for key, value in data.items()}
    return kind(**values)


def _value(hint: Any, value: object, where: str) -> object:
    if is_dataclass(hint):
        return _build(cast("type", hint), value, where)
    origin = getattr(hint, "__origin__", hint)
    if origin is tuple and isinstance(value, list):
        return tuple(str(entry) for entry in value)
    if origin is Mapping and isinstance(value, dict):
        inner = hint.__args__[1]
        return {str(k): _value(inner, v, f"{where}.{k}") for k, v in value.items()}
    return _scalar(origin, value, where)


def _scalar(expected_type: Any, value: object, where: str) -> object:
    if (
        expected_type in {int, float}
        and isinstance(value, int | float)
        and type(value) in {int, expected_type}
    ):
        _check_number(value, where)
        return expected_type(value)
    if expected_type is Any or type(value) is expected_type:
        return value
    if expected_type is str and value is not None:
        return str(value)
    raise PolicyWrong(f"{where} has the wrong type ({type(value).__name__}).")


def _check_number(value: float, where: str) -> None:
    """Refuse what no limit can be: with NaN or infinity nothing is ever beyond it."""
    if not math.isfinite(value) or value < 0:
        raise PolicyWrong(
            f"{where} is {value}, which cannot be a limit.", hint="Give a finite number from 0 on."
        )
