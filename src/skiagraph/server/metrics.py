"""What is counted for those who watch the server (Prometheus): numbers of things, never of persons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from skiagraph.server.database import Database, DatabaseGone
from skiagraph.server.tables import Delivery, Instance, Study

__all__ = ["Metrics"]

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@final
class Metrics:
    """The counters of one server.

    Args:
        database: Whose rows are counted when somebody asks.
    """

    def __init__(self, database: Database) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Rows(database))
        self.requests: Final = Counter(
            "skiagraph_requests_total",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.seconds: Final = Histogram(
            "skiagraph_request_seconds",
            "Time to the first byte of an answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.received: Final = Counter(
            "skiagraph_instances_admitted_total", "Objects admitted to the archive.", registry=self._registry
        )
        self.read: Final = Counter(
            "skiagraph_readings_total",
            "Readings by model and outcome.",
            ("model", "outcome"),
            registry=self._registry,
        )
        self.stages: Final = Histogram(
            "skiagraph_stage_seconds",
            "Time of each stage on the way of a study.",
            ("stage",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.working: Final = Gauge("skiagraph_working", "Studies in work now.", registry=self._registry)

    def exposed(self) -> bytes:
        """All of them, as Prometheus reads them (text format 0.0.4)."""
        return generate_latest(self._registry)


@final
class _Rows(Collector):
    """What the database counts: studies by state, objects, deliveries by state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterable[Metric]:
        """Counted now; nothing where the database does not answer."""
        studies = GaugeMetricFamily("skiagraph_studies", "Studies by state.", labels=["state"])
        sent = GaugeMetricFamily("skiagraph_deliveries", "Deliveries by state.", labels=["state"])
        objects = GaugeMetricFamily("skiagraph_instances", "Objects in the archive.")
        up = GaugeMetricFamily("skiagraph_database_up", "Whether the database answers.")
        try:
            with self._database.reading() as session:
                for state, n in session.execute(select(Study.state, func.count()).group_by(Study.state)):
                    studies.add_metric([state], n)
                for state, n in session.execute(
                    select(Delivery.state, func.count()).group_by(Delivery.state)
                ):
                    sent.add_metric([state], n)
                objects.add_metric([], session.scalar(select(func.count()).select_from(Instance)) or 0)
            up.add_metric([], 1)
        except DatabaseGone:
            up.add_metric([], 0)
        return (studies, sent, objects, up)

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: counting at birth would ask the database."""
        return ()
