"""Sends logged errors to Sentry, or to any server that speaks its protocol."""

import logging
from typing import Any
from urllib.parse import urlsplit

import trimtab
from trimtab.infra.settings.sections.tools import ToolsSettings
from trimtab.infra.telemetry.logs import redacted
from trimtab.kernel.errors import Misconfigured

_CLOSE_SECONDS = 2.0
_QUEUED = 100
"""Events that wait for a slow server; further ones are dropped, and the log has them."""
_NOT_SENT = ("sentry_sdk", "urllib3")
"""Loggers of the client itself: an error in sending must not be sent."""


class ReportingRefused(Misconfigured):
    """Errors cannot be sent as the settings say."""

    code = "tools.reporting_refused"


class BadToolAddress(Misconfigured):
    """An address of a tool is not one of http or https."""

    code = "tools.bad_address"


def check_addresses(settings: ToolsSettings) -> None:
    """Raise `BadToolAddress` unless every address that people open is one of http or https."""
    for name in ("grafana_url", "prometheus_url", "jaeger_url", "sentry_url"):
        address = getattr(settings, name)
        parts = urlsplit(address)
        if address and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise BadToolAddress(
                f"tools.{name} is not an address that a browser opens.",
                hint="Write it as https://grafana.example.com.",
            )


class ErrorReports(logging.Handler):
    """A log handler that sends records of level ERROR in the background.

    Variables, breadcrumbs, requests and the machine's name are not sent: they hold personal data.
    Keys and credentials are taken out of what is sent, as they are out of the log.

    Args:
        settings: The address and the environment.
    """

    def __init__(self, settings: ToolsSettings) -> None:
        super().__init__(logging.ERROR)
        try:
            from sentry_sdk import Client
            from sentry_sdk.utils import BadDsn
        except ImportError:
            raise ReportingRefused(
                "tools.sentry_dsn is set, and the package sentry-sdk is not installed.",
                hint="Install `trimtab[sentry]`, or empty tools.sentry_dsn.",
            ) from None
        try:
            self._client = Client(
                settings.sentry_dsn,
                environment=settings.sentry_environment,
                release=f"trimtab@{trimtab.__version__}",
                server_name="trimtab",
                default_integrations=False,
                auto_enabling_integrations=False,
                auto_session_tracking=False,
                enable_backpressure_handling=False,
                include_local_variables=False,
                include_source_context=False,
                send_client_reports=False,
                max_breadcrumbs=0,
                transport_queue_size=_QUEUED,
            )
        except (BadDsn, ValueError):
            raise ReportingRefused(
                "tools.sentry_dsn is not the address of a project.",
                hint="Copy it from the project's client keys: https://KEY@HOST/PROJECT.",
            ) from None

    def start(self) -> None:
        """Send what is logged from now on."""
        logging.getLogger().addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record; this never waits for the server."""
        if record.name.startswith(_NOT_SENT):
            return
        try:
            self._client.capture_event(self._event(record))
        # A fault of the reporting must not reach the code that logs.
        except Exception:  # noqa: BLE001
            self.handleError(record)

    def close(self) -> None:
        """Send what is queued, for two seconds at most."""
        logging.getLogger().removeHandler(self)
        self._client.close(timeout=_CLOSE_SECONDS)
        super().close()

    def _event(self, record: logging.LogRecord) -> Any:
        from sentry_sdk.utils import event_from_exception

        event: dict[str, Any] = {}
        if record.exc_info and record.exc_info[0] is not None:
            event = dict(event_from_exception(record.exc_info, self._client.options)[0])
            for each in event["exception"]["values"]:
                each["value"] = redacted(str(each["value"]))
        known = getattr(record, "error_type", None)
        return {
            **event,
            "level": record.levelname.lower(),
            "logger": record.name,
            "logentry": {"formatted": redacted(record.getMessage())},
            "tags": {"error_type": str(known)} if known else {},
        }
