"""Judges the gate before the fetal head model on kinds of images that it never saw, and fits the one that ships."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gate_drawings
import gate_heads
import gate_images
import numpy as np
from gate_fit import HEADS_LOST, Table, fitted, margin, weighted
from gate_images import Picture, heads, pictures
from numpy.typing import NDArray

from skiagraph.features import head_evidence as evidence_room
from skiagraph.features import ring as ring_room
from skiagraph.features.head_evidence import HEAD_EVIDENCE, head_evidence
from skiagraph.inference.content import ContentGate, content_gate
from skiagraph.metrics.intervals import wilson
from skiagraph.plain import to_plain

CACHE = Path(__file__).parent / ".cache"
FITTED = CACHE / "gate.json"
N_FOLDS = 5
Flags = NDArray[np.bool_]


def table(found: Callable[[], Iterator[Picture]], name: str) -> Table:
    """The evidence of pictures, kept in the cache until the code that makes it changes."""
    rooms = (evidence_room, ring_room, gate_images, gate_heads, gate_drawings)
    digest = hashlib.sha256(b"".join(Path(str(room.__file__)).read_bytes() for room in rooms)).hexdigest()[
        :12
    ]
    kept = CACHE / f"gate-{name}-{digest}.npz"
    if not kept.is_file():
        rows, begun = [], time.process_time()
        for picture in found():
            seen = head_evidence(picture.grey)
            nothing = np.full(len(HEAD_EVIDENCE), np.nan)
            rows.append((picture.role, picture.source, picture.patient, nothing if seen is None else seen))
        print(
            f"{len(rows)} pictures made and looked at in {time.process_time() - begun:.0f} s of processor time"
        )
        columns = list(zip(*rows, strict=True))
        CACHE.mkdir(exist_ok=True)
        np.savez(kept, role=columns[0], source=columns[1], patient=columns[2], evidence=np.stack(columns[3]))
    with np.load(kept) as file:
        return Table(**{column: file[column] for column in ("role", "source", "patient", "evidence")})


def passed(gate: ContentGate, seen: Table, beyond: float = 0.0) -> Flags:
    """Which pictures a gate lets through; one in which there is nothing to see never passes."""
    least = gate.threshold + beyond
    return np.array([np.isfinite(row[0]) and gate.score(row) >= least for row in seen.evidence], dtype=bool)


def judged(whole: Table) -> tuple[Flags, Flags]:
    """What a gate says of each picture that saw neither the patient nor the kind of picture.

    Returns:
        Let through, by a gate that learnt from other patients and other kinds; and the same where the gate did learn
        from the same way of taking a head out, on other patients.
    """
    unseen, usual = np.zeros(len(whole), dtype=bool), np.zeros(len(whole), dtype=bool)
    fold = whole.folds(N_FOLDS)
    for k in range(N_FOLDS):
        rest, here = whole.only(fold != k), fold == k
        beyond = margin(rest)
        usual[here] = unseen[here] = passed(weighted(rest), whole.only(here), beyond)
        for source in sorted(set(whole.source[here & (whole.role == "without head")])):
            which = here & (whole.source == source)
            unseen[which] = passed(weighted(rest.without(source)), whole.only(which), beyond)
    for kind in sorted(set(whole.kind[fold < 0])):
        which, rest = (fold < 0) & (whole.kind == kind), whole.without_kind(kind)
        unseen[which] = usual[which] = passed(weighted(rest), whole.only(which), margin(rest))
    return unseen, usual


def line(name: str, hits: Flags) -> None:
    """Prints a share with its interval."""
    low, high = wilson(int(hits.sum()), len(hits))
    print(f"  {name:42s} {hits.sum():5d} / {len(hits):5d}  {hits.mean():7.1%}  [{low:.1%}, {high:.1%}]")


def report(whole: Table, unseen: Flags, usual: Flags) -> None:
    """Prints what was found, in the words of the question: heads pass, everything else is refused."""
    one = whole.first_of_each_patient()
    print("Let through (patients never seen):")
    line("fetal heads, grouped 5-fold", unseen[whole.role == "head"])
    line("fetal heads, moderately changed", unseen[whole.role == "changed"])
    for source in sorted(set(whole.source[whole.role == "changed"])):
        line(f"    {source}", unseen[(whole.role == "changed") & (whole.source == source)])
    line("phantoms that were not learnt from", unseen[(whole.role == "phantom") & ~whole.learnt])
    print("Refused (kind never seen), one picture a patient:")
    line("all folders of the data pack", ~unseen[one & (whole.role == "folder")])
    for role, which in (("folder", one), ("drawn", one), ("photograph", np.ones_like(one))):
        for source in sorted(set(whole.source[whole.role == role])):
            line(f"    {source}", ~unseen[which & (whole.role == role) & (whole.source == source)])
    line("all folders, every picture", ~unseen[whole.role == "folder"])
    print("Refused, fetal heads with the head taken out (patients never seen; this way never seen):")
    for source in sorted(set(whole.source[whole.role == "without head"])):
        line(f"    {source}", ~unseen[(whole.role == "without head") & (whole.source == source)])
    line("all", ~unseen[whole.role == "without head"])
    line("all, where other patients showed this way", ~usual[whole.role == "without head"])


def plain(gate: ContentGate) -> dict[str, Any]:
    """The gate as a recipe holds it, rounded to 6 digits."""

    def rounded(value: Any) -> Any:
        return [rounded(v) for v in value] if isinstance(value, list) else float(f"{value:.6g}")

    names = ("mean", "deviation", "centre", "precision", "weights", "threshold", "slope")
    values = {n: getattr(gate, n) for n in names}
    lists = {n: v.tolist() if isinstance(v, np.ndarray) else to_plain(v) for n, v in values.items()}
    return {"kind": "head-evidence", **{n: rounded(v) for n, v in lists.items()}}


def fit(whole: Table) -> None:
    """Fits the gate that ships on all patients of train and val, and writes it."""
    numbers = plain(fitted(whole))
    FITTED.write_text(json.dumps(numbers, separators=(",", ":"), allow_nan=False) + "\n", "utf-8")
    gate = content_gate(numbers)
    print(f"wrote {FITTED.name}, {FITTED.stat().st_size / 1000:.0f} kB; on what it was fitted to:")
    for role in ("head", "changed", "phantom"):
        line(f"let through: {role}", passed(gate, whole.only(whole.role == role)))
    for role in ("folder", "drawn", "photograph", "without head"):
        line(f"refused: {role}", ~passed(gate, whole.only(whole.role == role)))


def main() -> None:
    """Judges; with --fit also fits, with --test also judges the fitted gate on the test split."""
    parser = argparse.ArgumentParser(description=__doc__)
    here = Path(__file__).parent
    default = Path(os.environ.get("SKIAGRAPH_DATA", here.parent.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=default, help="folder of the data pack")
    parser.add_argument("--fit", action="store_true", help=f"write {FITTED.name} to the cache")
    parser.add_argument("--test", action="store_true", help="judge the fitted gate on the test split")
    options = parser.parse_args()
    whole = table(lambda: pictures(options.data), "all")
    if options.test:
        gate = content_gate(json.loads(FITTED.read_text("utf-8")))
        line(
            "let through: fetal heads of the test split",
            passed(gate, table(lambda: heads(options.data, "test"), "test")),
        )
        return
    if options.fit:
        fit(whole)
    print(f"The threshold gives up {HEADS_LOST:.1%} of the heads.")
    unseen, usual = judged(whole)
    report(whole, unseen, usual)
    one = whole.first_of_each_patient()
    shares = {
        "heads passed": unseen[whole.role == "head"],
        "other images refused": ~unseen[one & (whole.role == "folder")],
        "heads taken out refused": ~unseen[whole.role == "without head"],
    }
    figures = {name: _share(hits) for name, hits in shares.items()}
    (here / "results").mkdir(exist_ok=True)
    (here / "results" / "gate.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


def _share(hits: Flags) -> dict[str, float]:
    low, high = wilson(int(hits.sum()), len(hits))
    return {"n": len(hits), "value": float(hits.mean()), "low": low, "high": high}


if __name__ == "__main__":
    main()
