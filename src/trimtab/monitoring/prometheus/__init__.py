"""A Prometheus server as a source of samples: queries, ranges and three-valued checks."""

from trimtab.monitoring.prometheus.client import PrometheusClient, RangeSeries
from trimtab.monitoring.prometheus.source import PrometheusSource

__all__ = ["PrometheusClient", "PrometheusSource", "RangeSeries"]
