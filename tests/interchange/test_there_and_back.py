"""Each finding on each source comes back from its home in DICOM as it went."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pydicom
import pytest
from battery import findings
from sources import SOURCES

from skiagraph.image import Image, pixels
from skiagraph.interchange.imported import imported

NEAR = {"probabilities": 0.0, "default": 2e-4}  # places have 7 digits


def unlike(one, other, where="finding"):
    """Each part in which two values differ, by its path."""
    if type(one) is not type(other):
        return [f"{where}: {type(one).__name__}, {type(other).__name__}"]
    if isinstance(one, Image):
        rest = [f.name for f in dataclasses.fields(one) if f.name != "data"]
        return unlike(pixels(one), pixels(other), f"{where}.data") + [
            said
            for name in rest
            for said in unlike(getattr(one, name), getattr(other, name), f"{where}.{name}")
        ]
    if dataclasses.is_dataclass(one):
        names = [f.name for f in dataclasses.fields(one)]
        pairs = [(getattr(one, name), getattr(other, name), f"{where}.{name}") for name in names]
    elif isinstance(one, Mapping):
        if set(one) != set(other):
            return [f"{where}: {sorted(one)}, {sorted(other)}"]
        pairs = [(one[key], other[key], f"{where}.{key}") for key in one]
    elif isinstance(one, tuple):
        if len(one) != len(other):
            return [f"{where}: {len(one)}, {len(other)} items"]
        pairs = [(a, b, f"{where}[{n}]") for n, (a, b) in enumerate(zip(one, other, strict=True))]
    elif isinstance(one, np.ndarray):
        return _unlike_arrays(one, other, where)
    else:
        return [] if one == other else [f"{where}: {one!r}, {other!r}"]
    return [said for a, b, path in pairs for said in unlike(a, b, path)]


def _unlike_arrays(one, other, where):
    if (one.shape, one.dtype) != (other.shape, other.dtype):
        return [f"{where}: {one.dtype} {one.shape}, {other.dtype} {other.shape}"]
    near = NEAR.get(where.rsplit(".", 1)[-1], NEAR["default"]) if one.dtype.kind == "f" else 0
    return [] if np.allclose(one, other, rtol=0, atol=near, equal_nan=one.dtype.kind == "f") else [where]


@pytest.mark.parametrize("name", SOURCES)
def test_each_finding_comes_back_as_it_went(name, drawn_source, written_files):
    case = drawn_source(name).case
    for what, finding in findings(case).items():
        read = imported(pydicom.dcmread(written_files(name)[what]), case)
        (back,) = read.findings
        assert unlike(finding, back) == [], what


def test_what_is_unlike_is_seen(drawn_source):
    case = drawn_source("axial CT").case
    there = findings(case)["letter"]
    moved = np.roll(there.labels, 1, axis=0)
    assert unlike(there, dataclasses.replace(there, labels=moved)) == ["finding.labels"]
    assert unlike(there, findings(case)["text"]) == ["finding: Segmentation, Text"]
