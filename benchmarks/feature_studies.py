"""What features are worth beside a network: phantoms of breast tumours, breast sonograms, and nuclei by their outlines.

``python benchmarks/feature_studies.py`` draws, describes and learns what is missing (what is done is kept, so that the
same command goes on), keeps every answer in `results/feature_studies.json`, and writes the page of benchmarks. It takes
about twenty minutes of one core.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from feature_studies_data import MALIGNANT, Cases, breast, ceiling, phantom
from feature_studies_figures import (
    Answers,
    Figures,
    Truth,
    as_decided,
    difference,
    figures,
    likelier,
    never,
    plain,
    truth_of,
)
from feature_studies_models import Told, calibrated, calibrated_on, classical, deep, fused, tested
from feature_studies_nuclei import nuclei, sizes
from feature_studies_words import page
from small_pictures import RESULTS
from small_pictures_run import written

from skiagraph.training.classical import FeatureTable, Search

DIFFICULTIES: Final = (0.6, 0.7)
EPOCHS: Final = 80  # of the training in each outer fold
SEARCH: Final = Search(learners=("svm",), selection="mrmr")
FEW: Final = Search(learners=("svm",))
NETWORK, FUSION, NEVER = "deep model", "fusion", "always benign"

Found = dict[str, Any]


def phantoms(difficulty: float) -> Found:
    """The study of phantoms at one difficulty."""
    cases, name = phantom(difficulty), f"phantom-{difficulty:g}"
    searches = (FEW, SEARCH)
    found = {
        f"{title} + SVM": classical(f"{name}-{n}", table, search)
        for n, ((title, table), search) in enumerate(zip(cases.tables.items(), searches, strict=True))
    }
    found[NETWORK] = deep(name, cases, EPOCHS)
    told = {"difficulty": difficulty, "malignant": MALIGNANT, "ceiling": ceiling(difficulty)}
    return told | _judged(cases, found, 1)


def sonograms() -> Found:
    """The study of BreastMNIST: nested cross-validation, and the official test split without copies."""
    learn, test = breast()
    ((title, table),) = learn.tables.items()
    found = {
        f"{title} + SVM": classical("breast-0", table, SEARCH),
        NETWORK: deep("breast", learn, EPOCHS),
    }
    new = tested("breast", learn, test, SEARCH, EPOCHS)
    result = _judged(learn, found, 0)
    models = _models(found, table)
    told = {
        name: calibrated_on(np.array(found[name]["logits"]), table, _every(table), np.array(logits))
        for name, logits in zip(found, new.values(), strict=True)
    }
    told[FUSION] = _fused_on(models, told, table)
    return result | {"test": _rows(told, test.tables[title], 0) | plain(told, _names(test))}


def _every(table: FeatureTable) -> Any:
    return np.ones(len(table), dtype=np.bool_)


def _fused_on(models: Mapping[str, Told], new: Mapping[str, Told], table: FeatureTable) -> Told:
    """The mean of log odds about new cases, calibrated on that about the known ones."""
    known, mean = (
        np.mean([one.odds for name, one in those.items() if name != FUSION], axis=0)
        for those in (models, new)
    )
    both = [np.c_[np.zeros(len(odds)), odds] for odds in (known, mean)]
    return calibrated_on(both[0], table, _every(table), both[1])


def stains() -> Found:
    """The study of nuclei: two kinds of image told apart by outlines alone."""
    tables, counts = nuclei()
    found = {
        f"{name} + SVM": classical(f"nuclei-{n}", t, SEARCH) for n, (name, t) in enumerate(tables.items())
    }
    rows: dict[str, Figures] = {}
    told = {
        name: calibrated(one, table)
        for (name, one), table in zip(found.items(), tables.values(), strict=True)
    }
    table = next(iter(tables.values()))
    truth = truth_of(table.truth, table.groups)
    for name, one in told.items():
        rows[name] = figures(as_decided(one, 1), truth)
    known = {"positive": table.truth.astype(int).tolist(), "images": sizes(), "rows": rows}
    return {**counts, **known, "parts": _parts(found), **plain(told, table.groups)}


def _models(found: Mapping[str, Any], table: FeatureTable) -> dict[str, Told]:
    """Each model and their fusion, calibrated out of fold; all judged each case in the same fold."""
    fold = next(iter(found.values()))["fold"]
    if any(one["fold"] != fold for one in found.values()):
        raise SystemExit("the models were judged in unlike folds: empty the cache")
    told = {name: calibrated(one, table) for name, one in found.items()}
    return {**told, FUSION: fused(list(told.values()), fold, table)}


def _judged(cases: Cases, found: Mapping[str, Any], positive: int) -> Found:
    """Rows, differences, and all answers."""
    table = next(iter(cases.tables.values()))
    told = _models(found, table)
    fold = next(iter(found.values()))["fold"]
    return _rows(told, table, positive) | {"parts": _parts(found), "fold": fold, **plain(told, _names(cases))}


def _rows(told: Mapping[str, Told], table: FeatureTable, positive: int) -> Found:
    truth: Truth = truth_of((table.truth == positive).astype(np.float64), table.groups)
    decided: dict[str, Answers] = {name: as_decided(one, positive) for name, one in told.items()}
    rows = {name: figures(one, truth) for name, one in decided.items()}
    rows |= {
        f"{name}, the likelier class": figures(likelier(one, positive), truth) for name, one in told.items()
    }
    rows[NEVER] = figures(never(len(table)), truth)
    less = {name: difference(decided[FUSION], one, truth) for name, one in decided.items() if name != FUSION}
    return {"positive": truth.positive.astype(int).tolist(), "rows": rows, "fusion minus": less}


def _parts(found: Mapping[str, Any]) -> Found:
    return {name: one["parts"] for name, one in found.items()}


def _names(cases: Cases) -> list[str]:
    return [s.identifier for s in cases.pictures]


def main() -> None:
    """Measures what is missing, and writes the tables."""
    torch.set_num_threads(1)
    found: Found = {
        "phantoms": [phantoms(d) for d in DIFFICULTIES],
        "sonograms": sonograms(),
        "nuclei": stains(),
    }
    (RESULTS / "feature_studies.json").write_text(json.dumps(found) + "\n", "utf-8")
    written("feature_studies.py", page(found))
    print(page(found))


if __name__ == "__main__":
    main()
