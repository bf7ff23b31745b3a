"""Every usual layout is recognised on its own and gives samples with targets, groups and splits."""

import pickle

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.errors import FormatError, InvalidInput, MissingInput
from skiagraph.findings import Boxes, Classification, Measurement, Segmentation
from skiagraph.geometry import Plane
from skiagraph.image import pixels
from skiagraph.io import read_dataset
from skiagraph.io.datasets import LAYOUTS

CUBE = (6, 5, 4)


def labels_of(data, target=0):
    return [(label.number, label.name) for label in data.targets[target].labels]


def splits_of(data):
    return sorted((s.split, s.identifier) for s in data)


def mask(*values):
    """A mask of 12 x 16 with a block for each value."""
    array = np.zeros((12, 16), np.uint8)
    for n, value in enumerate(values):
        array[n, 2:9] = value
    return array


def test_a_folder_a_class_below_folders_of_splits(put, truth):
    for n, name in enumerate(
        ("train/cat/p1/a.png", "train/cat/p1/b.png", "train/dog/c.png", "test/dog/d.png")
    ):
        put(name, seed=n)
    put("train/cat/notes.txt", "no image")
    data = read_dataset(put.folder)
    assert labels_of(data) == [(0, "cat"), (1, "dog")]
    assert data.targets[0].kind == "multi-class"
    assert data.targets[0].labels[0].code.scheme == "99LOCAL"
    assert [truth(s) for s in data.split("train")] == [[["cat"]], [["cat"]], [["dog"]]]
    assert [(s.group, s.split) for s in data.samples if "cat" in s.identifier] == [("p1", "train")] * 2
    assert "a folder a class" in data.layout
    assert "1 groups, and 2 images that are groups of their own" in data.layout


def test_a_folder_a_class_without_splits(put):
    for n, name in enumerate(("a/1.png", "b/2.png", "b/3.png")):
        put(name, seed=n)
    assert {s.split for s in read_dataset(put.folder)} == {"train"}


@pytest.mark.parametrize(
    ("header", "lines", "kind", "words", "true"),
    [
        (
            "image,label",
            ["a.png,benign", "b.png,malignant"],
            "multi-class",
            ["benign", "malignant"],
            [["benign"]],
        ),
        ("filename,class", ["a.png,10", "b.png,9"], "multi-class", ["9", "10"], [["10"]]),
        ("image,grade", ["a.png,2", "b.png,0"], "ordinal", ["0", "2"], [["2"]]),
        ("image,labels", ["a.png,x|z", "b.png,y"], "multi-label", ["x", "y", "z"], [["x", "z"]]),
        ("image,label.x,label.y", ["a.png,1,0", "b.png,0,"], "multi-label", ["x", "y"], [["x"]]),
        ("Path,Edema,Fracture", ["a.png,1.0,1.0", "b.png,,-1.0"], "multi-label", ["Edema", "Fracture"], None),
        ("image,MEL,NV", ["a.png,0,1", "b.png,1,0"], "multi-class", ["MEL", "NV"], [["NV"]]),
        ("image_id,ill", ["a,1", "b,0"], "multi-class", ["0", "1"], [["1"]]),
    ],
)
def test_a_table_of_labels_of_any_kind(put, truth, header, lines, kind, words, true):  # noqa: PLR0917
    put("a.png", seed=1)
    put("images/b.png", seed=2)
    path = put("labels.csv", header + "\n" + "\n".join(lines) + "\n")
    data = read_dataset(path, strict=False)
    assert data.targets[0].kind == kind
    assert [name for _, name in labels_of(data)] == words
    if true is not None:
        assert truth(data.samples[0]) == true


def test_a_class_of_which_nothing_is_known_is_left_out_of_the_answer(put):
    put("a.png")
    put("b.png", seed=1)
    data = read_dataset(put("l.csv", "image,label.x,label.y\na.png,1,\nb.png,0,1\n"))
    (first,) = data.samples[0].reference()
    assert isinstance(first, Classification)
    assert not first.exclusive
    assert [s.code.meaning for s in first.scores] == ["x"]


@pytest.mark.parametrize(("name", "unit"), [("ef_percent", "%"), ("volume_ml", "mL"), ("value.z", "1")])
def test_numbers_have_the_unit_that_their_name_ends_in(put, name, unit):
    for n in range(3):
        put(f"{n}.png", seed=n)
    data = read_dataset(put("t.csv", f"image,{name}\n0.png,1.5\n1.png,2.5\n2.png,-3\n"))
    (number,) = data.samples[1].reference()
    assert isinstance(number, Measurement)
    assert (number.value, number.unit.value, data.targets[0].kind) == (2.5, unit, "regression")
    assert data.samples[1].stratum == 2.5


@pytest.mark.parametrize(
    ("name", "shape", "labels", "kind", "first"),
    [
        ("pneumoniamnist", (28, 28), (6, 1), "multi-class", "normal"),
        ("breastmnist", (28, 28), (6,), "multi-class", "malignant"),
        ("retinamnist", (28, 28, 3), (6, 1), "ordinal", "0"),
        ("chestmnist_64", (64, 64), (6, 14), "multi-label", "atelectasis"),
        ("organmnist3d", (28, 28, 28), (6, 1), "multi-class", "liver"),
        ("mine", (9, 7), (6,), "multi-class", "0"),
    ],
)
def test_medmnist_of_pictures_colours_and_volumes(put, name, shape, labels, kind, first):
    rng = np.random.default_rng(1)
    arrays = {}
    for split in ("train", "val", "test"):
        arrays[f"{split}_images"] = rng.integers(0, 255, (6, *shape)).astype(np.uint8)
        arrays[f"{split}_labels"] = rng.integers(0, 2, labels).astype(np.uint8)
    data = read_dataset(put(f"{name}.npz", arrays))
    assert (len(data), data.targets[0].kind, labels_of(data)[0][1]) == (18, kind, first)
    sample = data.split("val").samples[2]
    image = sample.case().image
    np.testing.assert_array_equal(pixels(image), arrays["val_images"][2])
    assert (len(image.channels), isinstance(image.space, Plane)) == (
        3 * (shape[-1] == 3),
        len(shape) < 3 or shape[-1] == 3,
    )
    (found,) = sample.reference()
    np.testing.assert_array_equal(
        [s.probability for s in found.scores if kind == "multi-label"],
        arrays["val_labels"][2] if kind == "multi-label" else [],
    )
    assert pickle.loads(pickle.dumps(sample)).reference() == (found,)


@pytest.fixture
def nnunet(put):
    def write(**said):
        rng = np.random.default_rng(0)
        for part, names in (("Tr", "ab"), ("Ts", "c")):
            for name in names:
                for channel in (0, 1):
                    put(
                        f"D/images{part}/{name}_{channel:04d}.nii.gz",
                        rng.normal(size=CUBE).astype(np.float32),
                    )
        for name in "ab":
            put(f"D/labelsTr/{name}.nii.gz", rng.integers(0, 4, CUBE).astype(np.uint8))
        put("D/dataset.json", {"channel_names": {"0": "T1", "1": "FLAIR"}, "file_ending": ".nii.gz", **said})
        return put.folder / "D"

    return write


def test_nnunet_with_its_channels_and_labels(nnunet):
    data = read_dataset(nnunet(labels={"background": 0, "oedema": 1, "core": 2, "ignore": 3}))
    assert labels_of(data) == [(1, "oedema"), (2, "core")]
    assert data.targets[0].ignore == 3
    assert [s.identifier for s in data] == ["a", "b"]
    case = data.samples[0].case()
    assert set(case.images) == {"T1", "FLAIR"}
    (found,) = data.samples[0].reference()
    assert isinstance(found, Segmentation)
    assert found.space == case.images["T1"].space
    assert [(s.number, s.code) for s in found.segments[2:]] == [(3, codes.IGNORE)]
    assert "1 images of imagesTs have no reference" in " ".join(data.problems)


def test_regions_of_nnunet_are_structures_that_overlap(nnunet):
    data = read_dataset(nnunet(labels={"background": 0, "whole": [1, 2, 3], "core": [2, 3], "rim": 3}))
    assert data.targets[0].kind == "overlapping"
    (found,) = data.samples[0].reference()
    assert (found.mask(1) >= found.mask(2)).all()
    assert found.mask(2).sum() > found.mask(3).sum() > 0


def test_regions_of_nnunet_beside_places_that_are_ignored(nnunet):
    data = read_dataset(nnunet(labels={"background": 0, "whole": [1, 2], "ignore": 3, "core": 2}))
    assert (labels_of(data), data.targets[0].ignore) == ([(1, "whole"), (3, "core")], 2)
    (found,) = data.samples[0].reference()
    assert [s.code.meaning for s in found.segments] == ["whole", "core", "ignore"]
    assert found.mask(2).any()
    assert not (found.mask(1) & found.mask(2)).any()


def test_a_datalist_of_monai_with_masks(put):
    put("imagesTr/a.nii.gz", np.ones(CUBE, np.float32))
    put("labelsTr/a.nii.gz", np.full(CUBE, 2, np.uint8))
    item = {"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}
    put(
        "dataset.json",
        {"name": "Hip", "labels": {"0": "background", "1": "Anterior", "2": "Posterior"}}
        | {"training": [item], "test": ["./imagesTs/b.nii.gz"]},
    )
    data = read_dataset(put.folder)
    assert (data.name, labels_of(data)) == ("Hip", [(1, "Anterior"), (2, "Posterior")])
    assert data.samples[0].reference()[0].mask(2).all()
    assert "MONAI" in data.layout


def test_a_datalist_of_monai_with_classes_channels_and_splits(put, truth):
    for name in ("a", "b", "c"):
        put(f"{name}.png", seed=ord(name))
    put(
        "list.json",
        {
            "training": [{"image": ["a.png", "b.png"], "label": 1, "fold": 0}],
            "validation": [{"image": ["b.png", "c.png"], "label": 0}],
        },
    )
    data = read_dataset(put.folder / "list.json")
    assert [(s.split, truth(s)) for s in data] == [("train", [["1"]]), ("val", [["0"]])]
    assert set(data.samples[0].case().images) == {"0", "1"}


VOC = """<annotation><filename>{0}.png</filename><size><width>16</width><height>12</height></size>
<object><name>cell</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>4</xmax><ymax>3</ymax></bndbox></object>{1}</annotation>"""
BAD = "<object><name>cell</name><bndbox><xmin>{}</xmin><ymin>2</ymin><xmax>{}</xmax><ymax>9</ymax></bndbox></object>"


def test_voc_with_its_splits_and_boxes_of_pixels_counted_from_one(put):
    for name in ("a", "b"):
        put(f"JPEGImages/{name}.png", seed=ord(name))
        put(f"Annotations/{name}.xml", VOC.format(name, ""))
    put("ImageSets/Main/val.txt", "b\n")
    data = read_dataset(put.folder)
    assert splits_of(data) == [("train", "a"), ("val", "b")]
    (boxes,) = data.samples[0].reference()
    assert isinstance(boxes, Boxes)
    assert (boxes.items[0].low.tolist(), boxes.items[0].high.tolist()) == ([-0.5, -0.5], [2.5, 3.5])


@pytest.mark.parametrize(("left", "right"), [(5, 5), (7, 3), (9, 40)])
def test_a_degenerate_box_or_one_out_of_frame_is_named_and_left_out(put, left, right):
    put("images/a.png")
    put("annotations/a.xml", VOC.format("a", BAD.format(left, right)))
    with pytest.raises(InvalidInput, match=r"a\.xml, box 2"):
        read_dataset(put.folder)
    data = read_dataset(put.folder, strict=False)
    assert len(data.samples[0].reference()[0].items) == 1
    assert "a.xml, box 2" in data.problems[0]


def test_xml_that_declares_entities_is_refused(put):
    put("images/a.png")
    put("annotations/a.xml", '<!DOCTYPE a [<!ENTITY b "c">]><annotation/>')
    with pytest.raises(FormatError, match="declares no entities"):
        read_dataset(put.folder)


def test_coco_of_two_splits(put):
    for split in ("train", "val"):
        put(f"{split}/a.png", seed=len(split))
        put(
            f"annotations/instances_{split}2017.json",
            {
                "images": [{"id": 7, "file_name": "a.png", "width": 16, "height": 12}],
                "categories": [{"id": 3, "name": "cell"}, {"id": 5, "name": "debris"}],
                "annotations": [{"id": 1, "image_id": 7, "category_id": 5, "bbox": [0, 1, 4, 2.5]}],
            },
        )
    data = read_dataset(put.folder)
    assert splits_of(data) == [("train", "train/a.png"), ("val", "val/a.png")]
    assert labels_of(data) == [(3, "cell"), (5, "debris")]
    (box,) = data.samples[0].reference()[0].items
    assert (box.code.meaning, box.low.tolist(), box.high.tolist()) == ("debris", [0.5, -0.5], [3.0, 3.5])


@pytest.mark.parametrize(
    "change", [{"bbox": [0, 0, 0, 3]}, {"bbox": [0, 0, 99, 3]}, {"category_id": 9}, {"image_id": 0}]
)
def test_a_bad_annotation_of_coco_is_named(put, change):
    put("a.png")
    put(
        "boxes.json",
        {
            "images": [{"id": 7, "file_name": "a.png", "width": 16, "height": 12}],
            "categories": [{"id": 3, "name": "cell"}],
            "annotations": [{"id": 41, "image_id": 7, "category_id": 3, "bbox": [0, 1, 4, 2.5], **change}],
        },
    )
    with pytest.raises(InvalidInput, match="annotation 41"):
        read_dataset(put.folder)


def test_bids_with_sessions_masks_and_attributes(put):
    for subject in ("sub-01", "sub-02"):
        for session in ("ses-a", "ses-b"):
            stem = f"{subject}_{session}"
            put(f"{subject}/{session}/anat/{stem}_T1w.nii.gz", np.ones(CUBE, np.float32))
            put(f"{subject}/{session}/anat/{stem}_FLAIR.nii.gz", np.ones(CUBE, np.float32))
            put(
                f"derivatives/seg/{subject}/{session}/anat/{stem}_space-orig_dseg.nii.gz",
                np.ones(CUBE, np.uint8),
            )
        put(f"{subject}/ses-a/func/{subject}_ses-a_task-rest_bold.nii.gz", np.ones(CUBE, np.float32))
    put("participants.tsv", "participant_id\tage\tsex\nsub-01\t34\tF\nsub-02\tn/a\tM\n")
    data = read_dataset(put.folder)
    assert [(s.identifier, s.group) for s in data][1:3] == [
        ("sub-01/ses-b", "sub-01"),
        ("sub-02/ses-a", "sub-02"),
    ]
    assert data.samples[0].attributes == {"age": "34", "sex": "F"}
    assert data.samples[2].attributes == {"sex": "M"}
    assert set(data.samples[0].case().images) == {"flair", "t1w"}
    assert data.samples[0].reference()[0].mask(1).all()
    assert "2 groups" in data.layout


def test_bids_with_a_diagnosis_of_each_participant(put, truth):
    for subject in ("sub-1", "sub-2"):
        put(f"{subject}/anat/{subject}_T1w.nii.gz", np.ones(CUBE, np.float32))
    put("participants.tsv", "participant_id\tdiagnosis\nsub-1\tADHD\nsub-2\tcontrol\n")
    data = read_dataset(put.folder)
    assert [truth(s) for s in data] == [[["ADHD"]], [["control"]]]


@pytest.mark.parametrize("ending", ["", "_mask"])
def test_images_and_masks_in_two_folders(put, ending):
    for name in ("a", "b"):
        put(f"train/images/{name}.png", seed=ord(name))
        put(f"train/masks/{name}{ending}.png", mask(1, 2))
    data = read_dataset(put.folder)
    assert labels_of(data) == [(1, "mask 1"), (2, "mask 2")]
    np.testing.assert_array_equal(data.samples[0].reference()[0].labels, mask(1, 2))
    put("train/images/c.png")
    with pytest.raises(MissingInput, match=r"none for train/images/c\.png"):
        read_dataset(put.folder)
    assert len(read_dataset(put.folder, strict=False)) == 2


def test_masks_by_the_end_of_their_names_and_the_second_by_a_manifest(put):
    for n in range(3):
        put(f"case{n}_T1.png", seed=n, shape=(12, 16))
        put(f"case{n}_alpha.png", mask(255))
        put(f"case{n}_beta.png", mask(1, 5))
    data = read_dataset(put.folder)
    assert labels_of(data) == [(1, "alpha")]
    assert "beta can be named as target" in data.problems[0]
    put("dataset.toml", 'layout = "paired-names"\ntarget = "beta"\nname = "pairs"\nlicence = "CC0"\n')
    other = read_dataset(put.folder)
    assert (other.name, other.licence, labels_of(other)) == ("pairs", "CC0", [(1, "beta 1"), (5, "beta 5")])


def test_objects_that_are_counted_are_instances(put):
    for n in (12, 17):
        put(f"images/{n}.png", seed=n)
        labels = np.zeros((12, 16), np.uint8)
        labels.ravel()[: 5 * n : 5] = np.arange(1, n + 1)
        put(f"labels/{n}.png", labels)
    data = read_dataset(put.folder)
    assert data.targets[0].kind == "instances"
    assert len(data.samples[0].reference()[0].segments) == 12


def test_a_mask_on_the_turned_lattice_of_its_image_is_turned_and_one_elsewhere_is_refused(put):
    import nibabel

    inside = np.zeros(CUBE, np.uint8)
    inside[1:4, 2, 1] = 1
    put("images/a.nii.gz", np.arange(120, dtype=np.float32).reshape(CUBE))
    path = put("masks/a.nii.gz", inside)
    straight = read_dataset(put.folder).samples[0].reference()[0].labels
    turned = nibabel.as_closest_canonical(nibabel.load(path))
    flipped = nibabel.Nifti1Image(
        np.ascontiguousarray(turned.get_fdata()[::-1].transpose(0, 2, 1)).astype(np.uint8),
        turned.affine @ np.array([[-1, 0, 0, 5], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]]),
    )
    nibabel.save(flipped, path)
    np.testing.assert_array_equal(read_dataset(put.folder).samples[0].reference()[0].labels, straight)
    nibabel.save(nibabel.Nifti1Image(inside, np.diag([2.0, 2.0, 9.0, 1.0])), path)
    with pytest.raises(FormatError, match=r"a\.nii\.gz lies where its image lies"):
        read_dataset(put.folder).samples[0].reference()


@pytest.mark.parametrize("word", [w for w in LAYOUTS if w != "toml"])
def test_a_layout_that_is_forced_and_is_not_there_is_refused(put, word):
    put("notes.txt", "nothing")
    with pytest.raises(FormatError, match="nothing of the kind"):
        read_dataset(put.folder, layout=word)


def test_a_path_without_any_layout_says_how_to_go_on(put):
    put("notes.txt", "nothing")
    with pytest.raises(FormatError, match=r"write a dataset\.csv"):
        read_dataset(put.folder)
    with pytest.raises(MissingInput, match="does not exist"):
        read_dataset(put.folder / "gone")
    with pytest.raises(InvalidInput, match="a layout is one of"):
        read_dataset(put.folder, layout="zip")


PACK = {
    "fetal_head": (279, ["segmentation", "regression"], {"train", "val", "test"}),
    "chest_xray_pneumonia": (5856, ["multi-class"], {"train", "val", "test"}),
    "breast_ultrasound": (780, ["multi-class"], {"train", "val", "test"}),
    "blood_cells": (292, ["boxes"], {"train", "val"}),
    "hippocampus": (150, ["segmentation"], {"train", "val", "test"}),
    "cardiac_cine": (526, ["segmentation"], {"train"}),
    "brain_tissue": (6, ["segmentation"], {"train"}),
    "cxr_retrieval": (49, [], {"train"}),
    "nuclei": (115, ["instances"], {"train"}),
    "retina_vessels": (20, ["segmentation"], {"train"}),
}


@pytest.mark.parametrize("name", PACK)
def test_the_folders_of_the_data_pack_are_recognised(data_pack, name):
    n, kinds, splits = PACK[name]
    data = read_dataset(data_pack / name, strict=False)
    assert len(data) == n
    assert [t.kind for t in data.targets] == kinds
    assert {s.split for s in data} <= splits
    sample = data.samples[-1]
    assert len(sample.reference()) == len(kinds)
    assert sample.case().images


def test_what_the_caller_says_of_structures_holds(data_pack):
    data = read_dataset(data_pack / "hippocampus", label={1: codes.LEFT, 2: codes.RIGHT})
    assert [label.code for label in data.targets[0].labels] == [codes.LEFT, codes.RIGHT]
    assert {s.code for s in data.samples[0].reference()[0].segments} == {codes.LEFT, codes.RIGHT}


def test_the_two_degenerate_boxes_of_the_blood_cells_are_named(data_pack):
    data = read_dataset(data_pack / "blood_cells", strict=False)
    assert [said.split("(")[1].split(",")[0] for said in data.problems] == [
        "BloodImage_00338.xml",
        "BloodImage_00343.xml",
    ]
