"""Settings of the tools that a team uses with trimtab."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class ToolsSettings:
    """Addresses of Grafana, Prometheus, Jaeger and Sentry, and where errors are sent."""

    grafana_url: str = setting(
        "", help="Where people open Grafana; incidents link its dashboards with their time range."
    )
    prometheus_url: str = setting(
        "", help="Where people open Prometheus; incidents link their alerts with their time range."
    )
    jaeger_url: str = setting(
        "", help="Where people open Jaeger; incidents link the traces of their time range."
    )
    sentry_url: str = setting(
        "",
        help="The issues of the project in Sentry; incidents link those of their time range.",
    )
    sentry_dsn: str = setting(
        "",
        help="Where logged errors are sent by Sentry's protocol; empty sends none.",
        env=("SENTRY_DSN",),
        secret=True,
    )
    sentry_environment: str = setting(
        "production", help="The environment that Sentry shows errors in."
    )
