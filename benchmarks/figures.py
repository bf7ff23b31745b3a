"""Writes the page of figures in the docs from what the benchmarks measured, so that no figure is typed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parent / "docs" / "explanation" / "figures.md"

HEAD: Final = """# Figures

What was measured, by which script. The page is written by `benchmarks/figures.py` from `benchmarks/results/`;
`make bench` measures everything anew. Intervals are 95 %.

## The fetal head model

`benchmarks/fetal_head.py`, on a subset of HC18 (279 images of 221 fetuses). Cross-validation is grouped by fetus,
five folds of train + val; the calibration of each fold comes from the other four. The test split was used for no
choice; it is judged through the bundle that ships.

| figure | cross-validation | test split |
|---|---|---|
"""


def results(name: str) -> Any:
    """What a benchmark kept."""
    return json.loads((HERE / "results" / f"{name}.json").read_text("utf-8"))


def ranged(figures: dict[str, float], name: str, form: str, scale: float = 1.0) -> str:
    """A figure with its interval."""
    value, low, high = (scale * figures[key] for key in (name, f"{name} low", f"{name} high"))
    return f"{value:{form}} ({low:{form}} to {high:{form}})"


def fetal_head() -> str:
    """The rows of the model."""
    cross, test = results("fetal_head")["cross-validation"], results("fetal_head")["test"]
    hc = "Head Circumference"
    test |= {f"wilson {end}": test[f"coverage Wilson {end}"] for end in ("low", "high")}
    test |= {"wilson": test[f"{hc}: coverage"]}
    rows = [
        ("images", f"{cross['images']}", f"{test['n']}"),
        (
            "refused",
            f"{cross['refused as too unsure']} as too unsure",
            f"{test['refused']:.0f} (gate and too unsure)",
        ),
        ("Dice", ranged(cross, "dice", ".4f"), ranged(test, "dice", ".4f")),
        ("worst Dice", f"{cross['worst dice']:.3f}", f"{test['worst dice']:.3f}"),
        (
            "HC, mean absolute error, mm",
            ranged(cross, "HC mean absolute error, mm", ".2f"),
            ranged(test, f"{hc}: mean absolute error", ".2f"),
        ),
        ("HC, bias, mm", f"{cross['HC bias, mm']:.2f}", ranged(test, f"{hc}: bias", ".2f")),
        (
            "HC, the 95 % interval covers, %",
            ranged(cross, "interval coverage", ".1f", 100),
            ranged(test, "wilson", ".1f", 100),
        ),
        (
            "p that coverage is 95 %",
            f"{cross['interval binomial p']:.2f}",
            f"{test['coverage binomial p']:.2f}",
        ),
        (
            "confidence: Brier score (of the base rate)",
            f"{cross['confidence Brier score, all']:.3f} ({cross['Brier score of the base rate, all']:.3f})",
            "",
        ),
    ]
    return "".join(f"| {name} | {a} | {b} |\n" for name, a, b in rows)


def gate() -> str:
    """The rows of the gate."""
    names = {
        "heads passed": "heads passed, patients that it never saw, %",
        "other images refused": "other images refused, kinds that it never saw, one a patient, %",
        "heads taken out refused": "pictures with the head taken out refused, ways that it never saw, %",
    }
    rows = []
    for name, words in names.items():
        f = results("gate")[name]
        rows.append(
            f"| {words} | {100 * f['value']:.1f} ({100 * f['low']:.1f} to {100 * f['high']:.1f}) | {f['n']} |\n"
        )
    return "\n## The gate\n\n`benchmarks/gate.py`\n\n| figure | share | n |\n|---|---|---|\n" + "".join(rows)


def speed() -> str:
    """The rows of speed."""
    words = "\n## Speed\n\n`benchmarks/speed.py`: medians on two cores without a graphics card.\n\n"
    words += "| figure | value |\n|---|---|\n"
    return words + "".join(f"| {name} | {value:.3g} |\n" for name, value in results("speed").items())


SERIES: Final = """
## DICOM series to Hounsfield units

`benchmarks/dicom_pixels.py`: slices of 512 x 512, each reader in a process of its own, in turn. Memory is the peak
beside what was there before, libraries among it, in sizes of the array as int16. Other work ran on the machine (load);
the readers were put before it by the scheduler of Linux.
"""


def series() -> str:
    """The tables of reading DICOM series."""
    words = SERIES
    for coding, found in results("dicom_pixels").items():
        left = ", ".join(found["left out"]) or "none"
        words += f"\n{coding}, {found['slices']} slices, {found['processors']} processors, load {found['load']:.1f};"
        words += f" left out: {left}.\n\n| reader | s | s of processor | memory |\n|---|---|---|---|\n"
        for name, row in sorted(found["readers"].items(), key=lambda item: item[1]["median s"]):
            words += f"| {name} {row['version']} | {row['median s']:.2f} | {row['median processor s']:.2f} |"
            words += f" {row['memory']:.2f} |\n"
    return words


def headers() -> str:
    """The table of reading DICOM headers."""
    found = results("dicom_headers")
    words = f"\n## DICOM headers\n\n`benchmarks/dicom_headers.py`: {found['files']} files,"
    words += f" {found['processors']} processors, load {found['load']:.1f}.\n"
    words += "\n| way | s | s of processor |\n|---|---|---|\n"
    for name, row in found.items():
        if isinstance(row, dict):
            words += f"| {name} | {row['median s']:.2f} | {row['median processor s']:.2f} |\n"
    return words


SEGMENTATIONS: Final = """
## DICOM Segmentation

`benchmarks/dicom_seg.py`: a binary object of {slices} slices of 512 x 512, each segment in each slice, written to a
file and read back to labels; the best of some runs, each in a process of its own. Memory is the peak of writing beside
what was there before, in sizes of the mask as one byte a voxel. {processors} processors, load {load:.1f}.

| segments | by | write, s | s of processor | memory | read, s |
|---|---|---|---|---|---|
"""


def segmentations() -> str:
    """The table of writing and reading segmentation objects."""
    found = results("dicom_seg")
    words = SEGMENTATIONS.format(**found)
    for segments in (row for row in found.values() if isinstance(row, dict)):
        for name, row in segments["writers"].items():
            words += f"| {segments['segments']} | {name} {row['version']} | {row['s']:.2f} |"
            words += f" {row['processor s']:.2f} | {row['memory']:.2f} | {row['read s']:.2f} |\n"
    return words


def page() -> str:
    """The whole page."""
    return HEAD + fetal_head() + gate() + speed() + series() + headers() + segmentations()


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
