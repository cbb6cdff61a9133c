"""Prometheus metrics of one service, in a registry of its own so that four services live in one process."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge


@dataclass
class Metrics:
    """The figures that every service has; a service adds its own to `registry`."""

    service: str
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        """Register the common figures."""
        self.dead_letters = Counter(
            "glem_dead_letters", "Events put aside because they could not be handled.", registry=self.registry
        )
        self.outbox_unsent = Gauge("glem_outbox_unsent", "Events recorded and not yet sent.", registry=self.registry)
        self.consumer_lag = Gauge("glem_consumer_lag", "Events not yet handled.", ["group"], registry=self.registry)
        self.server_logs_values = Gauge(
            "glem_server_logs_values", "Settings of the database server that log values.", registry=self.registry
        )
        self.oldest_transaction = Gauge(
            "glem_oldest_transaction_seconds", "Since the oldest open transaction began.", registry=self.registry
        )
        self.relay_failures = Gauge("glem_relay_failures", "Failures of the relay in a row.", registry=self.registry)
