"""Where messages to people go."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Channels beside the log."""

    webhook_url: str = setting(
        "", help="A Slack-compatible incoming webhook; empty sends to the log only.", secret=True
    )
    webhook_timeout_seconds: float = setting(
        5.0, unit="seconds", help="How long the webhook may take.", minimum=0.1, maximum=60
    )
    console: bool = setting(default=False, help="Also write messages to standard error.")
