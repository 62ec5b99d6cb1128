"""Settings of API keys and the audit chain."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class TrustSettings:
    """Ages of API keys; checkpoints and anchor of the audit chain."""

    api_key_roles: str = setting(
        "",
        help=(
            "Keys made elsewhere with their roles: KEY:ROLE,KEY:ROLE or a JSON object. Only in the"
            " environment."
        ),
        env=("API_KEY_ROLES",),
        secret=True,
    )
    key_max_age_days: int = setting(
        90, unit="days", help="Keys older than this are due for rotation.", minimum=1
    )
    key_unused_days: int = setting(
        30, unit="days", help="Keys unused for this long are reported as stale.", minimum=1
    )
    audit_checkpoint_minutes: float = setting(
        60.0,
        unit="minutes",
        help="The time between two signed checkpoints of the audit chain.",
        minimum=0.1,
    )
    audit_copies: str = setting(
        "",
        help="Where audit files are copied, write-once: `s3://bucket/prefix` or a folder.",
    )
    audit_copies_endpoint: str = setting(
        "", help="The address of an S3-compatible server for `audit_copies`; empty for Amazon's."
    )
    audit_anchor: str = setting(
        "",
        help=(
            "Where each sealed head of the audit chain is published: an https:// webhook, `syslog`,"
            " or syslog://HOST:PORT."
        ),
        secret=True,
    )
    audit_max_gap_minutes: float = setting(
        150.0,
        unit="minutes",
        help="A silence in the audit chain longer than this is reported as a gap.",
        minimum=0.1,
    )
