"""Values as plain JSON: what was written is what is read, and damage is named."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings

from skiagraph import codes
from skiagraph.errors import InvalidInput
from skiagraph.findings import Finding, Findings, Segment, Segmentation
from skiagraph.geometry import Plane, derived_frame
from skiagraph.plain import from_plain, to_plain
from skiagraph.testing import finding_digest
from skiagraph.testing.strategies import finding_tuples, findings

FRAME = derived_frame("here")


def through_text(kind, value):
    return from_plain(kind, json.loads(json.dumps(to_plain(value), allow_nan=False)))


@dataclass(frozen=True, kw_only=True)
class Leaf:
    kind: Literal["a", "b"]
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Other:
    kind: str


@dataclass(frozen=True, kw_only=True)
class Tree:
    leaves: tuple[Leaf | Other, ...] = ()
    pair: tuple[int, str] = (1, "x")
    named: Mapping[str, float] = field(default_factory=dict)
    free: Any = None
    sure: bool = True
    when: datetime | None = None


TREE = Tree(
    leaves=(Leaf(kind="a"), Other(kind="b")),
    named={"x": 1.5},
    free=[1, {"y": None}],
    sure=False,
    when=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
)


@settings(max_examples=150)
@given(findings())
def test_every_kind_of_finding_is_the_same_after_it_was_written_and_read(finding):
    assert finding_digest(through_text(Finding, finding)) == finding_digest(finding)


@given(finding_tuples())
def test_findings_keep_their_provenance(findings):
    again = through_text(Findings, findings)
    assert again.provenance == findings.provenance
    assert [finding_digest(f) for f in again] == [finding_digest(f) for f in findings]


def test_a_value_names_its_class_under_a_word_that_no_field_can_have():
    data = to_plain(TREE)
    assert data["is"] == "Tree"
    assert [(leaf["is"], leaf["kind"]) for leaf in data["leaves"]] == [("Leaf", "a"), ("Other", "b")]
    assert through_text(Tree, TREE) == TREE


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32", "float64", ">i2"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (0, 4), (2, 3), (60, 60)])
def test_an_array_keeps_its_type_shape_and_bits(dtype, shape, rng):
    array = np.asarray(rng.random(shape) * 100).astype(dtype)
    again = through_text(np.typing.NDArray[Any], array)
    assert again.dtype.name == array.dtype.name
    assert again.shape == array.shape
    assert np.array_equal(again, array)


def test_a_small_array_can_be_read_by_people_and_a_large_one_is_packed():
    assert to_plain(np.array([1, 2], np.uint8)) == {"type": "uint8", "values": [1, 2]}
    assert sorted(to_plain(np.zeros(5000))) == ["shape", "type", "zlib"]
    assert sorted(to_plain(np.array([1.0, np.nan]))) == ["shape", "type", "zlib"]


def test_nothing_in_the_plain_form_is_not_json():
    plane = Plane.upright(shape=(2, 2), spacing=(1.0, 1.0), frame=FRAME)
    segments = (Segment(number=1, code=codes.HEAD),)
    found = Segmentation(space=plane, labels=np.ones((2, 2), np.int16), segments=segments)
    assert json.loads(json.dumps(to_plain(found), allow_nan=False)) == to_plain(found)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), {1, 2}, object(), b"bytes", 1j],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_plain_form_is_refused(value):
    with pytest.raises(InvalidInput):
        to_plain(value)


@pytest.mark.parametrize(
    ("kind", "data", "sentence"),
    [
        (Leaf, {"is": "Other", "kind": "a"}, "a Leaf is expected here; got Other"),
        (Leaf, {"is": "Leaf", "kind": "c"}, "one of a, b is expected here"),
        (Leaf, {"is": "Leaf"}, "a Leaf needs kind"),
        (Leaf, {"is": "Leaf", "kind": "a", "size": 1}, "a Leaf has the fields kind, weight; got size"),
        (Leaf, {"is": "Leaf", "kind": "a", "weight": "heavy"}, "got str"),
        (Leaf, {"is": "Leaf", "kind": "a", "weight": True}, "got bool"),
        (Leaf, [], "got list"),
        (Tree, {"leaves": [{"is": "Branch"}]}, "one of Leaf, Other is expected here; got Branch"),
        (Tree, {"pair": [1]}, "2 items are expected here"),
        (Tree, {"when": "yesterday"}, "a time is written as ISO 8601"),
        (Tree, {"when": 7}, "ISO 8601; got 7"),
        (Tree, {"sure": 1}, "got int"),
        (Finding, {"is": "Opinion"}, "got Opinion"),
        (Finding, None, "got NoneType"),
    ],
)
def test_data_that_describe_no_such_value_are_refused(kind, data, sentence):
    with pytest.raises(InvalidInput) as error:
        from_plain(kind, data)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"type": "float64"},
        {"type": "object", "values": [1]},
        {"type": "U3", "values": ["abc"]},
        {"type": "uint8", "values": [300]},
        {"type": "float64", "values": ["x"]},
        {"type": "float64", "values": [[1], [2, 3]]},
        {"type": "float64", "shape": [2], "zlib": "not base64"},
        {"type": "float64", "shape": [2], "zlib": "AAAA"},
        {"type": "float64", "shape": [3], "zlib": to_plain(np.array([np.nan]))["zlib"]},
        {"type": "float64", "shape": [-1], "zlib": to_plain(np.array([np.nan]))["zlib"]},
        {"type": "nonsense", "values": [1]},
        {"type": 5, "values": [1]},
    ],
    ids=str,
)
def test_a_damaged_array_is_refused(data):
    with pytest.raises(InvalidInput):
        from_plain(np.typing.NDArray[Any], data)


def test_what_is_packed_never_takes_more_memory_than_its_shape_says():
    bomb = to_plain(np.zeros(10_000_000, np.uint8))
    small = from_plain(np.typing.NDArray[Any], {**bomb, "shape": [10]})
    assert small.shape == (10,)
