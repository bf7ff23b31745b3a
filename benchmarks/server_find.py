"""Queries of an archive of 10,000 studies and 100,000 instances: the time of each kind, in the database alone."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import insert

from skiagraph.server.archive.find import Query, count, find, folded
from skiagraph.server.database import Database
from skiagraph.server.tables import Instance, Series, Study

STUDIES, INSTANCES, RUNS = 10_000, 10, 50
FAMILY: Final = (
    "Lindqvist",
    "Okafor",
    "Tanaka",
    "Moreau",
    "Silva",
    "Novak",
    "Haddad",
    "Kowalski",
    "Müller",
    "Nguyen",
)
GIVEN: Final = ("Anna", "Ben", "Chloe", "David", "Elif", "Femi", "Grace", "Hugo", "Ines", "Jörg")
MODALITIES: Final = ("CT", "MR", "US", "CR", "DX")

ASKED: Final[dict[str, dict[str, Any]]] = {
    "the newest 100 studies": {},
    "100 studies from the middle": {"offset": 5000},
    "a patient by number": {"attributes": {"PatientID": "P00777"}},
    "a name by its beginning": {"attributes": {"PatientName": "tan*"}},
    "a name by its words": {"attributes": {"PatientName": "jorg mul"}, "fuzzy": True},
    "a description by a word inside": {"attributes": {"StudyDescription": "*day 7*"}},
    "a month of one modality": {"attributes": {"StudyDate": "20260301-20260331", "ModalitiesInStudy": "MR"}},
    "100 studies in the order of names": {"order": ("PatientName",)},
    "100 series": {"level": "series"},
    "the instances of a study": {"level": "instance", "attributes": {"StudyInstanceUID": "2.25.5000"}},
    "100 instances of all": {"level": "instance", "offset": 50_000},
}


def fill(database: Database) -> None:
    """Studies of one series each."""
    now, first = datetime.now(UTC), datetime(2024, 1, 1, tzinfo=UTC)
    studies, series, instances = [], [], []
    for n in range(STUDIES):
        name = f"{FAMILY[n % 10]}^{GIVEN[n // 10 % 10]}"
        modality = MODALITIES[n % 5]
        day = first + timedelta(hours=2 * n)
        studies.append(
            {
                "id": n + 1,
                "uid": f"2.25.{n}",
                "patient_id": f"P{n // 2:05d}",
                "patient_name": name,
                "folded": folded(name),
                "date": f"{day:%Y%m%d}",
                "time": f"{day:%H%M%S}",
                "series_count": 1,
                "accession": f"A{n}",
                "description": f"Study of day {day.day}",
                "modalities": f"\\{modality}\\",
                "instance_count": INSTANCES,
                "received": now,
                "changed": now,
            }
        )
        series.append(
            {
                "id": n + 1,
                "study_id": n + 1,
                "uid": f"2.25.{n}.1",
                "modality": modality,
                "number": 1,
                "instance_count": INSTANCES,
            }
        )
        instances += [
            {
                "series_id": n + 1,
                "uid": f"2.25.{n}.1.{k}",
                "sop_class": "1.2.840.10008.5.1.4.1.1.2",
                "transfer_syntax": "1.2.840.10008.1.2.1",
                "number": k,
                "rows": 512,
                "columns": 512,
                "digest": f"{n * INSTANCES + k:064x}",
                "size": 525_112,
                "received": now,
            }
            for k in range(INSTANCES)
        ]
    with database.writing() as session:
        for table, rows in ((Study, studies), (Series, series), (Instance, instances)):
            session.execute(insert(table), rows)


def timed(database: Database, said: dict[str, Any]) -> tuple[int, list[float]]:
    """Matches on the page, and ms of each run: page and number of all matches, as the worklist asks for them."""
    query = Query(**{"level": "study", "attributes": {}, "limit": 100, **said})
    took = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        with database.reading() as session:
            found = len(find(session, query))
            count(session, query)
        took.append(1000 * (time.perf_counter() - begin))
    return found, took


def main() -> None:
    """Fills a database, SQLite or the one whose URL is named, and prints a table."""
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{Path(folder, 'find.sqlite')}"
        database = Database(url)
        database.migrate()
        fill(database)
        print(
            f"{STUDIES:,} studies, {STUDIES * INSTANCES:,} instances, {database.url.get_backend_name()}; {RUNS} runs\n"
        )
        print("| what is asked for | on the page | median | 95 of 100 |\n|---|---|---|---|")
        for name, said in ASKED.items():
            found, took = timed(database, said)
            late = sorted(took)[int(0.95 * len(took))]
            print(f"| {name} | {found} | {statistics.median(took):.1f} ms | {late:.1f} ms |")
        database.close()


if __name__ == "__main__":
    main()
