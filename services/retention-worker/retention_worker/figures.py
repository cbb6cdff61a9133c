"""The worker's Prometheus figures."""

from prometheus_client import Counter, Gauge, Histogram

from glem.metrics import Metrics

SCOPE = ["agency", "record_class"]
LAG_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600, 86400)


class Figures:
    """Gauges and counters for operators; all times in seconds."""

    def __init__(self, metrics: Metrics) -> None:
        registry = metrics.registry
        self.overdue = Gauge("glem_overdue_erasures", "Records past their period.", SCOPE, registry=registry)
        self.oldest = Gauge(
            "glem_oldest_overdue_seconds", "How far the oldest of them is past its period.", SCOPE, registry=registry
        )
        self.stuck = Gauge("glem_stuck_erasures", "Due records that failed at least once.", SCOPE, registry=registry)
        self.held = Gauge(
            "glem_held_erasures", "Records past their period, under legal hold.", SCOPE, registry=registry
        )
        self.holds_active = Gauge("glem_holds_active", "Legal holds in force.", ["agency", "kind"], registry=registry)
        self.holds_ending = Gauge(
            "glem_holds_ending", "Of these, ending within 7 days.", ["agency", "kind"], registry=registry
        )
        self.log_unsigned = Gauge("glem_log_unsigned", "Leaves of the log that no head covers yet.", registry=registry)
        self.breaker_open = Gauge(
            "glem_breaker_open",
            "1 while far more records than usual are due on one day, and wait.",
            SCOPE,
            registry=registry,
        )
        self.breaker_coming = Gauge(
            "glem_breaker_coming",
            "1 if so many records were anchored within a day that a breaker will open.",
            SCOPE,
            registry=registry,
        )
        self.heartbeat = Gauge("glem_sweep_heartbeat_seconds", "Since the end of the last sweep.", registry=registry)
        self.skew = Gauge("glem_clock_skew_seconds", "This machine's clock ahead of the database's.", registry=registry)
        self.disposed = Counter("glem_records_disposed", "Outcomes of orders.", [*SCOPE, "outcome"], registry=registry)
        self.lag = Histogram(
            "glem_erasure_lag_seconds", "From due to done.", SCOPE, buckets=LAG_BUCKETS, registry=registry
        )
        self.missed = Counter(
            "glem_audit_missed", "Overdue records that no event had reported.", SCOPE, registry=registry
        )
        self.contradictions = Counter(
            "glem_register_contradictions",
            "Registered records that their owner still had; erased again.",
            SCOPE,
            registry=registry,
        )
