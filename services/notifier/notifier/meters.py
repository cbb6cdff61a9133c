"""The figures of notifier beside those that every service has."""

from prometheus_client import Counter, Gauge

from glem.metrics import Metrics
from glem_retention.runtime import Runtime
from notifier.messages.store import count_waiting


class Meters:
    """Messages by kind, channel and how they ended; and the queue."""

    def __init__(self, metrics: Metrics) -> None:
        """Register the figures beside the common ones."""
        registry = metrics.registry
        self.messages = Counter(
            "glem_messages", "Messages by how they ended.", ["kind", "channel", "state"], registry=registry
        )
        self.resumed = Counter(
            "glem_messages_resumed", "Messages handed over anew after a process died with them.", registry=registry
        )
        self.waiting = Gauge("glem_messages_waiting", "Messages in the queue.", registry=registry)
        self.oldest = Gauge(
            "glem_messages_oldest_seconds", "Age of the oldest message in the queue.", registry=registry
        )

    async def watch_queue(self, runtime: Runtime) -> int:
        """Look at the queue; return 0, for nothing was done."""
        waiting, age = await count_waiting(runtime.database)
        self.waiting.set(waiting)
        self.oldest.set(age.total_seconds())
        return 0
