"""Settings of monitoring: scrape and evaluation intervals, retention."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """Intervals and retention of scrapes and alert rules."""

    scrape_interval_seconds: float = setting(
        5.0,
        unit="seconds",
        help="The time between two scrapes of the service's own metrics.",
        minimum=0.01,
    )
    evaluation_interval_seconds: float = setting(
        5.0,
        unit="seconds",
        help="The time between two evaluations of the alert rules.",
        minimum=0.01,
    )
    retention_minutes: float = setting(
        120.0, unit="minutes", help="How long samples are kept in memory for the rules.", minimum=1
    )
    anomaly_series: tuple[str, ...] = setting(
        (),
        help="PromQL of series without a threshold, whose anomalies open incidents; see"
        " docs/diagnosis.md.",
    )
    anomaly_interval_seconds: float = setting(
        300.0,
        unit="seconds",
        help="The time between two looks at these series.",
        minimum=1,
        maximum=86_400,
    )
    forecast_series: tuple[str, ...] = setting(
        (
            "avg_over_time(k8s_pods_cpu_ratio[15m])",
            "k8s_pods_memory_ratio",
            "avg_over_time(k8s_nodes_cpu_ratio[15m])",
            "k8s_nodes_memory_ratio",
            "avg_over_time(service_cpu_ratio[1h])",
            "kb_memory_used_ratio",
        ),
        help="PromQL of the shares of resources whose peak of the coming week is forecast; see"
        " docs/kubernetes.md.",
    )
    prometheus_url: str = setting(
        "",
        help="A Prometheus server that is asked what trimtab's own samples cannot tell; empty for"
        " none.",
    )
    prometheus_token: str = setting(
        "", help="The bearer token for the Prometheus server.", secret=True
    )
    prometheus_timeout_seconds: float = setting(
        5.0, unit="seconds", help="How long a query to it may take.", minimum=0.1, maximum=120
    )
