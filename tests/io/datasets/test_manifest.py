"""Manifests: one line an image, with its reference in its space, its group and its split."""

import numpy as np
import PIL.Image
import pytest

from skiagraph import codes
from skiagraph.errors import FormatError, InvalidInput, MissingInput
from skiagraph.findings import Measurement, Segmentation
from skiagraph.geometry import spacing_of
from skiagraph.io import read_dataset

GREY = np.arange(35, dtype=np.uint8).reshape(5, 7)
HEADER = "image,mask,group,split,pixel_size_mm,head_circumference_mm,remark\n"


@pytest.fixture
def manifest(tmp_path):
    PIL.Image.fromarray(GREY).save(tmp_path / "a.png")
    PIL.Image.fromarray((GREY > 20).astype(np.uint8) * 255).save(tmp_path / "m.png")
    PIL.Image.fromarray(GREY[:3]).save(tmp_path / "small.png")
    PIL.Image.fromarray(GREY[::-1]).save(tmp_path / "b.png")

    def write(*lines, header=HEADER):
        path = tmp_path / "dataset.csv"
        path.write_text(header + "\n".join(lines) + "\n")
        return path

    return write


def test_a_sample_has_its_case_and_its_reference_in_one_space(manifest):
    data = read_dataset(
        manifest("a.png,m.png,1,train,0.2,62.1,x", "b.png,m.png,2,test,,,"),
        label=codes.HEAD,
        name="heads",
        licence="CC0",
    )
    assert (data.name, data.licence, len(data)) == ("heads", "CC0", 2)
    first, second = data.samples
    assert (first.identifier, first.group, first.split, first.stratum) == ("a.png", "1", "train", 62.1)
    outline, size = first.reference()
    assert isinstance(outline, Segmentation)
    assert outline.space == first.case().image.space
    assert spacing_of(outline.space) == (0.2, 0.2)
    np.testing.assert_array_equal(outline.mask(1), GREY > 20)
    assert isinstance(size, Measurement)
    assert (size.concept, size.value, size.unit) == (codes.HEAD_CIRCUMFERENCE, 62.1, codes.MM)
    assert spacing_of(second.case().image.space) is None
    assert len(second.reference()) == 1


@pytest.mark.parametrize(
    ("line", "kind", "said"),
    [
        ("gone.png,m.png,1,train,0.2,62,", MissingInput, r"line 2.*gone\.png"),
        ("a.png,gone.png,1,train,0.2,62,", MissingInput, r"line 2.*gone\.png"),
        ("a.png,m.png,,train,0.2,62,", InvalidInput, "line 2.*no group"),
        ("a.png,m.png,1,train,wide,62,", InvalidInput, "line 2"),
        ("a.png,m.png,1,train,0.2,large,", InvalidInput, "head_circumference_mm is a number"),
    ],
)
def test_a_line_that_does_not_hold_is_named(manifest, line, kind, said):
    with pytest.raises(kind, match=said):
        read_dataset(manifest(line), label=codes.HEAD)


def test_a_patient_on_both_sides_of_a_split_is_refused(manifest):
    path = manifest("a.png,m.png,1,train,,,", "b.png,m.png,1,test,,,")
    with pytest.raises(InvalidInput, match="a group lies in one split"):
        read_dataset(path, label=codes.HEAD)


def test_a_mask_of_another_shape_is_refused(manifest):
    data = read_dataset(manifest("a.png,small.png,1,train,,,"), label=codes.HEAD)
    with pytest.raises(FormatError, match=r"small\.png has the shape of its image"):
        data.samples[0].reference()


def test_the_fetal_heads_of_the_data_pack_are_read(data_pack):
    data = read_dataset(data_pack / "fetal_head" / "dataset.csv", label=codes.HEAD, licence="CC BY 4.0")
    assert (len(data), data.name) == (279, "fetal_head")
    sample = data.samples[0]
    outline, size = sample.reference()
    assert outline.labels.shape == (540, 800)
    assert size.value == sample.stratum == 62.1
