"""Reports API keys that are too old, unused or never used."""

from dataclasses import dataclass
from datetime import datetime

from trimtab.infra.auth import ApiKey, Keys, Role


@dataclass(frozen=True, slots=True)
class KeyFinding:
    """An active key with its problems; ``problems`` is empty when there are none."""

    name: str
    role: Role
    age_days: float
    unused_days: float | None
    """Days since its last use; None when it was never used."""
    problems: tuple[str, ...]


def key_report(
    keys: Keys, now: datetime, *, max_age_days: int = 90, unused_days: int = 30
) -> list[KeyFinding]:
    """Return every active key with its problems, oldest first."""
    active = [key for key in keys.all() if key.revoked_at is None]
    found = [_finding(key, now, max_age_days, unused_days) for key in active]
    return sorted(found, key=lambda finding: -finding.age_days)


def _finding(key: ApiKey, now: datetime, max_age_days: int, unused_days: int) -> KeyFinding:
    age = _days(key.created_at, now)
    unused = None if key.last_used_at is None else _days(key.last_used_at, now)
    problems = []
    if age > max_age_days:
        problems.append(
            f"older than {max_age_days} days: rotate it with `trimtab keys rotate {key.name}`"
        )
    if (age if unused is None else unused) > unused_days:
        problems.append(
            f"unused for {unused_days} days: revoke it with `trimtab keys revoke {key.name}`"
        )
    return KeyFinding(
        key.name,
        key.role,
        round(age, 2),
        None if unused is None else round(unused, 2),
        tuple(problems),
    )


def _days(stamp: str, now: datetime) -> float:
    return (now - datetime.fromisoformat(stamp)).total_seconds() / 86_400
