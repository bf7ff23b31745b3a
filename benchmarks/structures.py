"""What the benchmarks of segmentation share: stages that are kept and gone on from, one training, tables, intervals."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from skiagraph.case import Case, Dataset, Label, Sample, Target
from skiagraph.codes import Code
from skiagraph.findings import Segment, Segmentation
from skiagraph.image import Image
from skiagraph.inference import Staged, staged
from skiagraph.inference.torch_engine import TorchEngine
from skiagraph.training import Plan, learnt_card, planned, teach, this_machine, why

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parent / "docs" / "reference" / "benchmarks.md"
Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for on the command line.

    Args:
        data: The data pack.
        minutes: Time budget of each training.
        usual: The default of it; what is measured with less is printed only.
        work: Where each stage is kept; a second call goes on from there.
    """

    data: Path
    minutes: float
    usual: float
    work: Path

    @property
    def command(self) -> str:
        """How to say it again."""
        return f"python benchmarks/{self.work.parent.name}.py --minutes {self.minutes:g}"


def asked(about: str, name: str, minutes: float) -> Asked:
    """Reads the command line.

    Args:
        about: What the benchmark is for.
        name: Its file, without the end.
        minutes: Default time budget of each training.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("SKIAGRAPH_DATA", HERE.parent.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=default, help="the data pack")
    parser.add_argument("--minutes", type=float, default=minutes, help="time budget of each training")
    given = parser.parse_args()
    work = HERE / ".cache" / name / f"{given.minutes:g}-minutes"
    work.mkdir(parents=True, exist_ok=True)
    return Asked(data=given.data, minutes=given.minutes, usual=minutes, work=work)


def stage(work: Path, name: str, do: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """What a stage found, with its wall and processor seconds; it is done once, and read back from then on.

    Args:
        work: Folder.
        name: Of the stage, and of its file.
        do: Gives plain data.
    """
    file = work / f"{name}.json"
    if not file.is_file():
        wall, processor = time.monotonic(), time.process_time()
        found = dict(do())
        spent = {"seconds": time.monotonic() - wall, "processor seconds": time.process_time() - processor}
        part = file.with_suffix(".part")
        part.write_text(json.dumps({**found, **spent}, indent=1) + "\n", "utf-8")
        part.replace(file)
        print(f"{name}: done in {spent['seconds']:.0f} s", flush=True)
    kept: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return kept


def plan_of(learn: Dataset, minutes: float) -> Plan:
    """What the machine plans for a data set, without hints; it is printed."""
    plan = planned(learn, "segmentation", this_machine(), seconds=60 * minutes)
    for choice, value, reason in why(plan):
        print(f"  {choice}: {value} ({reason})", flush=True)
    return plan


def learnt(learn: Dataset, plan: Plan) -> tuple[Staged, dict[str, Any]]:
    """The model of a plan, and what is told of its training."""
    wall, processor = time.monotonic(), time.process_time()
    taught = teach(learn, plan, rng=np.random.default_rng(0), watch=_told)
    facts = {
        "network": taught.plan.network,
        "epochs": taught.plan.all_epochs,
        "threads": taught.plan.threads,
        "parameters": sum(p.numel() for p in taught.network.parameters()),
        "learning": {
            "seconds": time.monotonic() - wall,
            "processor seconds": time.process_time() - processor,
        },
        "last": dict(taught.history[-1]),
    }
    card = learnt_card("benchmark", taught.plan.recipe, "", learn)
    return staged(card, taught.plan.recipe, TorchEngine(taught.network)), facts


def _told(done: int, total: int, figures: Mapping[str, float], /) -> None:
    if done % max(1, total // 10) == 0 or done == total:
        print(f"  {done}/{total} " + ", ".join(f"{n} {v:.4f}" for n, v in figures.items()), flush=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """One image in memory with its labels, before it is a sample.

    Args:
        name: Unique.
        group: The patient.
        split: ``"train"``, ``"val"`` or ``"test"``.
        image: Loads it.
        labels: Loads its label map, 0 background.
    """

    name: str
    group: str
    split: str
    image: Callable[[], Image]
    labels: Callable[[], NDArray[np.uint8]]


def data_of(name: str, shots: Sequence[Shot], structures: Sequence[Code]) -> Dataset:
    """A data set of label maps, numbered from 1 in the order of `structures`."""
    labels = tuple(Label(number=n, code=code) for n, code in enumerate(structures, 1))
    target = Target(name="structures", kind="segmentation", concept=structures[0], labels=labels)
    samples = tuple(_sample(shot, labels) for shot in shots)
    return Dataset(name=name, samples=samples, targets=(target,))


def _sample(shot: Shot, labels: Sequence[Label]) -> Sample:
    def reference() -> tuple[Segmentation]:
        space, there = shot.image().space, shot.labels()
        segments = tuple(Segment(number=x.number, code=x.code) for x in labels if (there == x.number).any())
        return (Segmentation(space=space, labels=there, segments=segments),)

    return Sample(
        identifier=shot.name,
        group=shot.group,
        split=shot.split,
        case=lambda: Case(identifier=shot.name, images={"image": shot.image()}),
        reference=reference,
    )


def local(meaning: str) -> Code:
    """A code for a structure of a benchmark, in 16 characters at most."""
    return Code(value=meaning.replace(" ", "-"), scheme="99LOCAL", meaning=meaning)


def dice(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Twice the common part over the sum; 1 where both are empty."""
    both = np.count_nonzero(found) + np.count_nonzero(true)
    return 2 * np.count_nonzero(found & true) / both if both else 1.0


def interval(values: Sequence[float], groups: Sequence[str], resamples: int = 4000) -> dict[str, float]:
    """A mean with its 95 % interval: percentiles of a bootstrap that draws groups.

    Args:
        values: One a case.
        groups: Of each case, the patient.
        resamples: How often.
    """
    names, index = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(index, values), np.bincount(index)
    drawn = np.random.default_rng(1).integers(len(names), size=(resamples, len(names)))
    low, high = np.percentile(sums[drawn].sum(1) / counts[drawn].sum(1), [2.5, 97.5])
    return {"value": float(np.mean(values)), "low": float(low), "high": float(high), "n": len(values)}


def of_rows(rows: Rows, name: str) -> dict[str, float]:
    """The mean of a figure over cases, with its interval by group."""
    return interval([row[name] for row in rows.values()], [row["group"] for row in rows.values()])


def said(figure: Mapping[str, float], form: str = ".4f") -> str:
    """A figure with its interval."""
    return f"{figure['value']:{form}} ({figure['low']:{form}} to {figure['high']:{form}})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def keep(what: Asked, results: Mapping[str, Any], text: str) -> None:
    """Prints what a benchmark found, and after a full run writes it to the results and into the docs.

    Args:
        what: What was asked for.
        results: Every figure.
        text: The table, and what is said of it, in Markdown.
    """
    name, machine = what.work.parent.name, this_machine()
    text = f"`{what.command}`\n\n{text}"
    print(f"\n{text}")
    if what.minutes < what.usual:
        print(f"\nShorter than usual ({what.usual:g} minutes): neither the results nor the docs are written.")
        return
    facts = {"command": what.command, "cores": machine.cores, "load": os.getloadavg()[0]}
    kept = HERE / "results" / f"{name}.json"
    kept.write_text(json.dumps({**facts, **results}, indent=1) + "\n", "utf-8")
    begin, end = (f"<!-- {what_is} benchmarks/{name}.py -->\n" for what_is in ("measured by", "end of"))
    before, _, rest = PAGE.read_text("utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{PAGE.name} lacks the marks of {name}")
    PAGE.write_text(f"{before}{begin}{text}\n{end}{after}", "utf-8")


def overlay(picture: NDArray[Any], found: NDArray[np.bool_], true: NDArray[np.bool_], to: Path) -> None:
    """A picture with what was found: green where it is right, red where it is too much, blue where it is missed.

    Args:
        picture: Shape (rows, columns) or (rows, columns, 3).
        found: Shape (rows, columns).
        true: Likewise.
        to: A PNG file.
    """
    grey = np.asarray(picture, dtype=np.float32)
    grey = grey if grey.ndim == 3 else np.repeat(grey[..., None], 3, -1)
    shown = 255 * (grey - grey.min()) / max(float(np.ptp(grey)), 1e-6)
    for where, colour in (
        (found & true, (0, 255, 0)),
        (found & ~true, (255, 0, 0)),
        (true & ~found, (0, 90, 255)),
    ):
        shown[where] = 0.55 * shown[where] + 0.45 * np.array(colour)
    beside = np.concatenate([255 * (grey - grey.min()) / max(float(np.ptp(grey)), 1e-6), shown], 1)
    Pillow.fromarray(beside.astype(np.uint8)).save(to)
