"""The check of a data set finds what was planted in it, and the known truths of real ones."""

import json
import runpy
from pathlib import Path

import nibabel
import numpy as np
import PIL.Image
import pytest
from scipy import ndimage

from skiagraph.io.datasets import listed_dataset
from skiagraph.workflow.dataset_check import checked_dataset, plain


def picture(seed, shape=(48, 60), level=0):
    noise = np.random.default_rng(seed).normal(size=shape)
    view = sum(ndimage.gaussian_filter(noise, s) * s * w for s, w in ((1, 1), (3, 2), (8, 4)))
    view = (view - view.min()) / np.ptp(view) * 150 + level
    return view.clip(0, 255).astype(np.uint8)


@pytest.fixture
def table(tmp_path):
    """Writes pictures and a table of them; `rows` are (name, array or bytes, cells)."""

    def write(header, rows):
        lines = [header]
        for name, content, cells in rows:
            path = tmp_path / name
            if isinstance(content, bytes):
                path.write_bytes(content)
            elif name.endswith(".nii.gz"):
                nibabel.save(nibabel.Nifti1Image(content, np.diag([1.0, 1.0, 2.0, 1.0])), path)
            elif content is not None:
                PIL.Image.fromarray(content).save(path)
            lines.append(f"{name},{cells}")
        (tmp_path / "dataset.csv").write_text("\n".join(lines) + "\n")
        return tmp_path

    return write


def found(path, **more):
    check = checked_dataset(listed_dataset(path, **more))
    return check, {remark.topic: remark for remark in check.remarks}


def plenty(n, split="train", label="a", start=0):
    return [
        (f"{split}{start + i}.png", picture(start + i), f"{label},{split},g{start + i}") for i in range(n)
    ]


HEADER = "image,label,split,group"


def test_a_good_data_set_gets_no_remark(table):
    rows = [
        r
        for k, (s, w) in enumerate([("train", "a"), ("train", "b"), ("test", "a"), ("test", "b")])
        for r in plenty(4, s, w, 10 * k)
    ]
    check, remarks = found(table(HEADER, rows))
    assert remarks == {}
    assert check.splits == {"train": 8, "test": 8}
    assert check.labels["label"] == {"a": {"train": 4, "test": 4}, "b": {"train": 4, "test": 4}}


def test_leakage_between_splits_is_found_by_group_by_digest_and_by_likeness(table):
    rows = [*plenty(6), *plenty(6, "test", "b", 20)]
    noisy = (picture(2).astype(float) + np.random.default_rng(0).normal(0, 4, (48, 60))).clip(0, 255)
    rows += [
        ("same.png", picture(1), "a,test,h1"),
        ("near.png", noisy.astype(np.uint8)[1:-1, 1:], "a,test,h2"),
        ("torn.png", picture(99), "a,test,g3"),
    ]
    _, remarks = found(table(HEADER, rows))
    assert (remarks["groups"].count, remarks["groups"].weight) == (1, "spoils")
    assert set(remarks["groups"].rows) == {"train3.png", "torn.png"}
    (same,) = remarks["identical images"].pairs
    assert (same.first, same.second, same.splits, same.score) == (
        "train1.png",
        "same.png",
        ("train", "test"),
        1.0,
    )
    (near,) = remarks["near-identical images"].pairs
    assert (near.first, near.second) == ("train2.png", "near.png")
    assert 0.9 <= near.score < 1


def test_copies_within_a_split_matter_where_folds_may_part_them(table):
    rows = [*plenty(12), ("again.png", picture(4), "a,train,other"), ("own.png", picture(5), "b,train,g5")]
    _, remarks = found(table(HEADER, rows))
    assert [p.second for p in remarks["identical images in a split"].pairs] == ["again.png"]
    assert [p.second for p in remarks["contradicting labels"].pairs] == ["own.png"]
    assert "identical images" not in remarks


def test_uneven_classes_and_labels_that_a_split_lacks_are_said(table):
    rows = [*plenty(20), *plenty(3, "train", "b", 40), *plenty(3, "test", "a", 60)]
    _, remarks = found(table(HEADER, rows))
    assert "Saying a always is right in 88%" in remarks["imbalance"].sentence
    assert remarks["label without samples"].rows == ("b: none in test",)
    assert remarks["label without samples"].weight == "spoils"


def test_what_stops_everything_is_said_first(table):
    check, remarks = found(table(HEADER, plenty(3)))
    assert [r.topic for r in check.remarks[:2]] == ["few samples", "one class"]
    assert {remarks["few samples"].weight, remarks["one class"].weight} == {"stops"}


def test_files_that_cannot_be_read_are_named_and_the_rest_is_looked_at(table):
    rows = [
        *plenty(12),
        ("broken.png", b"\x89PNG\r\n\x1a\nnothing", "b,train,x"),
        ("gone.png", None, "b,train,y"),
    ]
    check, remarks = found(table(HEADER, rows))
    assert check.samples == 13
    assert remarks["unreadable"].rows[0].startswith("broken.png: ")
    assert "line 15" in remarks["listing"].rows[0]


def test_masks_that_are_empty_or_do_not_fit_are_named(table, tmp_path):
    shapes = {"m.png": (48, 60), "small.png": (20, 60)}
    for name, shape in shapes.items():
        PIL.Image.fromarray(np.tri(*shape, dtype=np.uint8) * 255).save(tmp_path / name)
    PIL.Image.fromarray(np.zeros((48, 60), np.uint8)).save(tmp_path / "none.png")
    masks = ["m.png"] * 10 + ["none.png", "none.png", "small.png"]
    rows = [(f"{i}.png", picture(i), f"{m},g{i}") for i, m in enumerate(masks)]
    _, remarks = found(table("image,mask,group", rows))
    assert (remarks["empty masks"].count, remarks["empty masks"].weight) == (2, "note")
    assert remarks["reference"].rows[0].startswith("12.png: small.png has the shape of its image")
    rows = [(f"{i}.png", picture(i), f"none.png,g{i}") for i in range(12)]
    _, remarks = found(table("image,mask,group", rows))
    assert (remarks["empty masks"].sentence, remarks["empty masks"].weight) == (
        "All masks of mask are empty.",
        "stops",
    )


def test_files_that_are_not_alike_are_told_by_kind(table):
    colour = np.stack([picture(70), picture(71), picture(72)], axis=-1)
    deep = picture(73).astype(np.uint16) * 200
    blank = np.full((48, 60), 9, np.uint8)
    cube = np.random.default_rng(0).normal(100, 20, (12, 13, 9)).astype(np.float32)
    rows = [*plenty(10), ("c.png", colour, "b,train,c"), ("d.png", deep, "b,train,d")]
    rows += [("e.png", blank, "b,train,e"), ("f.nii.gz", cube, "b,train,f")]
    _, remarks = found(table(HEADER, rows))
    assert remarks["channels"].rows == ("c.png",)
    assert remarks["dimensions"].rows == ("f.nii.gz",)
    assert remarks["blank images"].rows == ("e.png",)
    assert set(remarks["number types"].rows) == {"d.png", "f.nii.gz"}
    assert remarks["value ranges"].rows[0] == "d.png"
    assert "13 of 14 images state no size" in remarks["unknown size"].sentence


def test_it_is_said_where_nothing_tells_which_images_are_of_one_patient(table):
    rows = [(f"{i}.png", picture(i), "ab"[i % 2]) for i in range(12)]
    _, remarks = found(table("image,label", rows))
    assert "its own group" in remarks["no groups"].sentence


def test_the_check_is_plain_data(table):
    check, _ = found(table(HEADER, [*plenty(6), ("same.png", picture(1), "a,test,h1")]))
    said = json.loads(json.dumps(plain(check)))
    assert said["remarks"][0]["topic"] == check.remarks[0].topic
    assert said["splits"] == {"train": 6, "test": 1}


def test_the_eight_images_of_pneumoniamnist_that_stand_in_train_and_val_are_found(data_pack):
    path = data_pack / "chest_xray_pneumonia" / "pneumoniamnist.npz"
    with np.load(path) as arrays:
        train = {a.tobytes() for a in arrays["train_images"]}
        twice = [n for n, a in enumerate(arrays["val_images"]) if a.tobytes() in train]
    from skiagraph.workflow.dataset_check import _identical, _leaks
    from skiagraph.workflow.dataset_look import look_at

    assert len(twice) == 8
    listing = listed_dataset(path)
    samples = [s for s in listing.samples if s.split != "test"]
    looked = look_at(samples, listing.targets, lambda done, total: None)
    (remark, *_) = _leaks(looked, list(_identical(looked)))
    assert remark.topic == "identical images"
    assert {pair.second for pair in remark.pairs} == {f"val-{n:05d}" for n in twice}


def test_what_is_mixed_in_the_hippocampus_set_is_found(data_pack):
    check, remarks = found(data_pack / "hippocampus")
    assert "119 are float32, 31 are uint8" in remarks["number types"].sentence
    assert remarks["value ranges"].count > 20
    assert set(remarks) == {"number types", "value ranges", "no groups"}
    assert check.labels["label"]["label 1"] == {"train": 110, "val": 20, "test": 20}


def test_the_figures_of_the_docs_are_what_the_benchmark_kept():
    made = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "dataset_check.py"))
    page = made["PAGE"].read_text("utf-8")
    kept = json.loads(made["KEPT"].read_text("utf-8"))
    assert made["words"](kept) in page, "run python benchmarks/dataset_check.py --page"
