"""What a service counts, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Bounds of the histogram of seconds."""

OTHER = "other"
"""The label of paths that do not exist; were each its own, a caller could make any number."""


class Metrics:
    """The counts of one service.

    Args:
        paths: the paths that exist.
        class_names: the classes of the network.
    """

    def __init__(self, paths: Collection[str], class_names: Sequence[str]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # the time at which each count began: half of the text
        self._paths = frozenset(paths)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.in_flight = Gauge(
            "mlplab_requests_in_flight", "Requests being answered.", registry=self.registry
        )
        self.held = Gauge(
            "mlplab_held_bytes", "Bytes of bodies that are held.", registry=self.registry
        )
        self._requests = Counter(
            "mlplab_requests", "Requests answered.", ["path", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "mlplab_request_seconds",
            "Seconds from a request's headers to the end of its answer.",
            ["path"],
            buckets=SECONDS,
            registry=self.registry,
        )
        predictions = Counter(
            "mlplab_predictions",
            "Examples by the answer given.",
            ["answer"],
            registry=self.registry,
        )
        self._predictions = [predictions.labels(name) for name in class_names]

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        path = path if path in self._paths else OTHER
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def predicted(self, index: int, times: int = 1) -> None:
        """Count an answer, by the index of its class."""
        self._predictions[index].inc(times)

    def text(self) -> bytes:
        """Return all counts."""
        return generate_latest(self.registry)
