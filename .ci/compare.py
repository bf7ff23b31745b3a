"""Holds the head circumference of a reading against the truth of a phantom; fails if they differ by more than 3 mm."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEAD_CIRCUMFERENCE = "11984-2"  # LOINC
TOLERANCE = 3.0  # mm


def measured(node: Any) -> Iterator[float]:
    """The head circumferences (mm) that stand anywhere in a document."""
    if isinstance(node, dict):
        concept = node.get("concept")
        if isinstance(concept, dict) and concept.get("value") == HEAD_CIRCUMFERENCE and "value" in node:
            yield float(node["value"])
        for child in node.values():
            yield from measured(child)
    elif isinstance(node, list):
        for child in node:
            yield from measured(child)


def main(truth: Path, reading: Path) -> str:
    """One sentence for people; an empty reading or a wrong one ends the program."""
    known = next(measured(json.loads(truth.read_text("utf-8"))))
    found = next(measured(json.loads(next(reading.rglob("reading.json")).read_text("utf-8"))), None)
    if found is None or abs(found - known) > TOLERANCE:
        sys.exit(f"The head circumference is {known:.1f} mm; the reading says {found}.")
    report = next(reading.rglob("report.html"))
    return f"Head circumference {found:.1f} mm; the phantom's is {known:.1f} mm.\nReport: {report}"


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), Path(sys.argv[2])))
