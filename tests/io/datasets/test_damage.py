"""Whatever stands in the files of a data set, reading it gives samples or one error of ours, never another."""

import copy
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skiagraph.errors import SkiagraphError
from skiagraph.io.datasets import listed_dataset

JUNK = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        3,
        1e400,
        "",
        "x",
        "../a.png",
        "a.png",
        [],
        [1],
        {},
        {"a": 1},
        [[]],
        [{}],
        [None],
        "\x00",
        10**30,
    ]
)
COCO = {
    "images": [{"id": 7, "file_name": "a.png", "width": 16, "height": 12}],
    "categories": [{"id": 3, "name": "cell"}],
    "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [0, 1, 4, 2.5]}],
}
MONAI = {
    "name": "x",
    "labels": {"0": "background", "1": "a"},
    "modality": {"0": "MRI"},
    "training": [
        {"image": "a.png", "label": "b.png", "weight": 1},
        {"image": ["a.png", "b.png"], "label": [1, 2]},
    ],
}
NNUNET = {
    "channel_names": {"0": "T1"},
    "labels": {"background": 0, "a": 1, "b": [1, 2]},
    "file_ending": ".png",
}
TOML = {
    "version": 1,
    "name": "x",
    "table": "rows.csv",
    "columns": {"image": "file", "attributes": ["site"]},
    "defaults": {"split": "train"},
    "targets": [
        {
            "name": "t",
            "kind": "multi-class",
            "column": "c",
            "labels": ["x", {"value": "y", "name": "z", "code": "A|b|c"}],
        },
        {"name": "m", "kind": "segmentation", "column": "m", "labels": [{"value": 255, "name": "z"}]},
    ],
}


def places(value, path=()):
    """Every place in a tree of JSON."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def replaced(value, path, junk):
    if not path:
        return junk
    changed = copy.deepcopy(value)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = junk
    return changed


@pytest.fixture
def folder(put):
    put("a.png")
    put("b.png", np.eye(12, 16, dtype=np.uint8) * 255)
    put("nn/imagesTr/c_0000.png")
    put("nn/labelsTr/c.png", np.eye(12, 16, dtype=np.uint8))
    put("rows.csv", "file,c,m,site\na.png,x,b.png,s\nb.png,y,b.png,s\n")
    return put.folder


def looked_at(path, layout):
    try:
        listing = listed_dataset(path, layout=layout)
        for sample in listing.samples:
            sample.case()
            sample.reference()
    except SkiagraphError:
        return


def toml(value):
    """A little TOML of a tree: inline tables everywhere; what TOML does not have becomes a word."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if value is None or value in (float("inf"), 10**30):
        return '"none"'
    return json.dumps(value)


@pytest.mark.parametrize(
    ("whole", "name", "layout"),
    [
        (COCO, "coco.json", "coco"),
        (MONAI, "list.json", "monai"),
        (NNUNET, "nn/dataset.json", "nnunet"),
        (TOML, "dataset.toml", "toml"),
    ],
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_with_one_thing_replaced_is_read_or_refused_in_a_sentence(folder, whole, name, layout, data):
    path = data.draw(st.sampled_from(list(places(whole))))
    changed = replaced(whole, path, data.draw(JUNK))
    file = folder / name
    if layout == "toml":
        text = "\n".join(f"{k} = {toml(v)}" for k, v in changed.items()) if isinstance(changed, dict) else "x"
    else:
        text = json.dumps(changed)
    file.write_text(text)
    looked_at(file if layout != "nnunet" else folder / "nn", layout)


CELLS = st.sampled_from(
    [
        "",
        "a.png",
        "b.png",
        "gone.png",
        "1",
        "0",
        "-1",
        "2.5",
        "x",
        "x|y",
        "nan",
        "inf",
        "train",
        "é",
        "\x00",
        ".",
    ]
)
COLUMNS = [
    "image",
    "mask",
    "label",
    "group",
    "split",
    "weight",
    "value.v",
    "label.q",
    "pixel_size_mm",
    "grade",
]


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=6, unique=True), data=st.data())
def test_any_table_is_read_or_refused_in_a_sentence(folder, header, data):
    rows = data.draw(
        st.lists(st.lists(CELLS, min_size=len(header), max_size=len(header)), min_size=1, max_size=5)
    )
    (folder / "t.csv").write_text(
        "\n".join(",".join(row) for row in [header, *rows]) + "\n", encoding="utf-8"
    )
    looked_at(folder / "t.csv", "csv")
