"""What stands on the page of benchmarks about the studies of features, with the figures of their tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

Rows: TypeAlias = Mapping[str, Mapping[str, Any]]
FIRST: Final = "15 values of the outline + SVM"
NEVER: Final = "always benign"
COLUMNS: Final = ("AUC", "accuracy", "balanced accuracy", "sensitivity", "specificity")
HOW: Final = """Five outer folds, the same for all models of a study; no group is parted. Features go to an SVM; inner
folds choose its settings, and how many features it is given (mRMR; the 15 values are taken whole). The deep model is
the machine's own plan, made and learnt anew in each outer fold, but for its length: one network, {phantom} for
phantoms and {breast} for sonograms, {epochs} epochs; with more time the plan takes five, which do
better (breast sonograms, above).
Fusion is the mean of the calibrated log odds of the models above it. Temperature, bias and cut of each, of the fusion
too, come from the other folds; the cut makes sensitivity plus specificity largest there. Intervals are 95 %, of a
bootstrap over groups: they tell the chance of which cases are judged, not that of learning. Differences are paired.
**Sensitivity is that for malignant**, with how many were found of how many."""


def page(found: Mapping[str, Any]) -> str:
    """All studies."""
    parts = [_how(found), misleads(found)]
    parts += [_phantoms(one) for one in found["phantoms"]]
    parts += [_sonograms(found["sonograms"]), _nuclei(found["nuclei"])]
    return "\n\n".join(parts)


def _how(found: Mapping[str, Any]) -> str:
    phantom, breast = (one["parts"]["deep model"][0] for one in (found["phantoms"][0], found["sonograms"]))
    return HOW.format(phantom=phantom["network"], breast=breast["network"], epochs=breast["epochs"])


def misleads(found: Mapping[str, Any]) -> str:
    """Why accuracy alone says little, with the figures of the harder phantoms."""
    hardest = max(found["phantoms"], key=lambda one: float(one["difficulty"]))
    rows = hardest["rows"]
    never, chosen, likely = rows[NEVER], rows[FIRST], rows[f"{FIRST}, the likelier class"]
    return (
        f'**Why accuracy misleads.** At difficulty {hardest["difficulty"]:g} the answer "benign", given to everybody, '
        f"is right in {_percent(never)} of the cases and finds {_found(never)} malignant tumours. The 15 values of the "
        f"outline, asked for the likelier class, are right in {_percent(likely)} and find {_found(likely)}; with a cut "
        f"that weighs both kinds alike they are right in {_percent(chosen)} and find {_found(chosen)}. What is gained "
        "in one column is paid for in the other, and accuracy, which counts the frequent kind most, sees the price "
        "alone. So each table states how many of the malignant were found, and balanced accuracy, which is 0.5 for "
        "every constant answer."
    )


def _percent(row: Mapping[str, Any]) -> str:
    return f"{100 * row['accuracy']['value']:.1f} %"


def _found(row: Mapping[str, Any]) -> str:
    return f"{row['found']['n']} of {row['found']['of']}"


def _phantoms(one: Mapping[str, Any]) -> str:
    return (
        f"**Phantoms of breast tumours, difficulty {one['difficulty']:g}**: {len(one['cases'])} sonograms, "
        f"{100 * one['malignant']:.0f} % malignant. The features know the outline; the deep model is shown the square "
        "round it, with its margin, and no outline; and the kinds are drawn by five signs that features were made to "
        "measure. Both favour features. Who knew the five signs exactly would reach an AUC of "
        f"{one['ceiling']:.3f}.\n\n"
        f"{table(one['rows'])}\n\n{differences(one['fusion minus'])}\n\n{verdict(one)}"
    )


def _sonograms(one: Mapping[str, Any]) -> str:
    test = one["test"]
    n = len(one["cases"])
    return (
        f"**Breast sonograms** (`breastmnist.npz`, 28 x 28, no outlines): the {n} pictures of train + val, copies in "
        f"one group. Texture and local features of the whole picture.\n\n{table(one['rows'])}\n\n"
        f"{differences(one['fusion minus'])}\n\n{verdict(one)}\n\n"
        f"The official test split, without the pictures that have a copy among those learnt from "
        f"({len(test['cases'])} are left), by models that learnt from all {n}. They are few, and "
        "easier for features than the folds are; the folds say more.\n\n"
        f"{table(test['rows'])}\n\n"
        f"{differences(test['fusion minus'])}\n\n{verdict(test)}"
    )


def verdict(one: Mapping[str, Any]) -> str:
    """In words: which single model orders cases best, and in what fusion differs from it beyond chance."""
    areas = {name: one["rows"][name]["AUC"]["value"] for name in one["fusion minus"]}
    best, *others = sorted(areas, key=lambda name: -areas[name])
    less = one["fusion minus"][best]
    apart = [key for key in COLUMNS if less[key]["low"] > 0 or less[key]["high"] < 0]
    told = "; ".join(f"{key} {said(less[key], '+.3f')}" for key in apart)
    ranks = ", then ".join(f"{name} ({areas[name]:.3f})" for name in others)
    return f"Of single models {best} has the largest AUC ({areas[best]:.3f}), then {ranks}. Fusion " + (
        f"differs from it in: {told}." if apart else "cannot be told from it."
    )


def _nuclei(one: Mapping[str, Any]) -> str:
    stained = sum(n for kind, n in one["images"].items() if kind.startswith("histology"))
    lines = ["| outlines alone | AUC of images | histology found | fluorescence found |", "|---|---|---|---|"]
    for name, row in one["rows"].items():
        cells = [said(row[key]) for key in ("AUC", "sensitivity", "specificity")]
        lines.append(f"| {name} | {cells[0]} | {_found(row)}: {cells[1]} | {cells[2]} |")
    rows = "\n".join(lines)
    return (
        f"**Nuclei by their outlines**: {one['nuclei']} nuclei of {sum(one['images'].values())} images ({stained} "
        f"of histology); {one['at the border']} that the edge of a picture cuts are left out. Features of the mask of "
        "each nucleus, no number of the picture; median and distance of the quartiles over an image. Nested "
        "cross-validation as above, an image a group. All histology has one size and may be of one microscope, "
        "so that this tells two collections of outlines apart, drawn by whoever drew them, and not stains as such.\n\n"
        f"{rows}"
    )


def said(figure: Mapping[str, float], form: str = ".3f") -> str:
    """A figure with its interval."""
    return f"{figure['value']:{form}} ({figure['low']:{form}} to {figure['high']:{form}})"


def table(rows: Rows) -> str:
    """Models as Markdown; sensitivity with how many were found."""
    head = ["", *COLUMNS]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, row in rows.items():
        cells = [said(row[key]) for key in COLUMNS]
        cells[-2] = f"**{row['found']['n']} of {row['found']['of']}**: {cells[-2]}"
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def differences(rows: Rows) -> str:
    """Paired differences as Markdown."""
    keys = ("AUC", "balanced accuracy", "sensitivity", "specificity")
    lines = ["| fusion minus | " + " | ".join(keys) + " |", "|" + "---|" * (len(keys) + 1)]
    lines += [f"| {name} | {' | '.join(said(row[k], '+.3f') for k in keys)} |" for name, row in rows.items()]
    return "\n".join(lines)
