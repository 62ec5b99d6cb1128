"""Settings of notifications: channels and their credentials."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Notification channels in addition to the log."""

    webhook_url: str = setting(
        "", help="An incoming webhook for every message; empty sends to the log only.", secret=True
    )
    slack_webhook_url: str = setting(
        "", help="Slack's incoming webhook; empty sends nothing to Slack.", secret=True
    )
    max_attempts: int = setting(
        20, help="Attempts after which a message is a dead letter for a channel.", minimum=1
    )
    self_test_hours: float = setting(
        24.0, unit="hours", help="Between two self-tests of each channel; 0 means none.", minimum=0
    )
    webhook_timeout_seconds: float = setting(
        5.0, unit="seconds", help="How long the webhook may take.", minimum=0.1, maximum=60
    )
    pagerduty_routing_key: str = setting(
        "",
        help=(
            "The integration key of the PagerDuty service whose rotation is paged; empty sends no"
            " pages."
        ),
        secret=True,
    )
    pagerduty_url: str = setting(
        "https://events.pagerduty.com/v2/enqueue", help="PagerDuty's Events API v2."
    )
    github_repository: str = setting(
        "", help="The `owner/name` in which post-mortems become issues; empty opens none."
    )
    github_token: str = setting(
        "", help="A token that may open issues in that repository.", secret=True
    )
    github_url: str = setting("https://api.github.com", help="GitHub's API.")
    email_server: str = setting(
        "", help="The `host:port` of an SMTP server for escalations; empty sends no mail."
    )
    email_from: str = setting("trimtab@localhost", help="The address that mail comes from.")
    email_to: tuple[str, ...] = setting((), help="Who gets mail.")
    console: bool = setting(default=False, help="Also write messages to standard error.")
