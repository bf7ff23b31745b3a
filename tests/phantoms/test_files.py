"""Phantoms on disk: valid DICOM of nobody, the truth beside it, and a CT series that equals its volume."""

import json
import shutil
import subprocess

import numpy as np
import pydicom
import pytest

from skiagraph.errors import SkiagraphError
from skiagraph.findings import Finding
from skiagraph.phantoms.fetal_head import draw_fetal_head, sample_fetal_head
from skiagraph.phantoms.study import ultrasound_dataset, write_dataset
from skiagraph.phantoms.truth import fetal_head_image, fetal_head_truth, write_truth
from skiagraph.phantoms.volume import (
    BALL_HU,
    BOX_HU,
    WATER_HU,
    BallAndBox,
    ball_and_box_image,
    series_datasets,
    write_series,
)
from skiagraph.plain import from_plain

HEAD = sample_fetal_head(np.random.default_rng(1))
PICTURE = draw_fetal_head(HEAD)


def test_the_ultrasound_file_holds_the_picture_and_its_calibration(tmp_path):
    write_dataset(ultrasound_dataset(HEAD, PICTURE), tmp_path / "a.dcm")
    ds = pydicom.dcmread(tmp_path / "a.dcm")
    assert ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.6.1"
    assert np.array_equal(ds.pixel_array, PICTURE)
    (region,) = ds.SequenceOfUltrasoundRegions
    assert (region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection) == (3, 3)
    assert region.PhysicalDeltaX * 10 == pytest.approx(HEAD.pixel_size, rel=1e-12)
    assert region.PhysicalDeltaY == region.PhysicalDeltaX
    assert region.RegionSpatialFormat == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.dcm"], "no temporary file stays"


def test_the_patient_is_invented_and_the_uids_follow_from_the_content():
    first, again = (ultrasound_dataset(HEAD, PICTURE) for _ in range(2))
    other = ultrasound_dataset(HEAD, 255 - PICTURE)
    assert first.PatientName == "Phantom^Fetal"
    assert first.QualityControlImage == "YES"
    uids = [str(first[k].value) for k in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")]
    assert len(set(uids)) == 3
    assert all(u.startswith("2.25.") and len(u) <= 64 for u in uids)
    assert first == again
    assert first.SOPInstanceUID != other.SOPInstanceUID


@pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="dciodvfy (Debian package dicom3tools) is not here"
)
@pytest.mark.parametrize("kind", ["ultrasound", "ct"])
def test_a_validator_finds_no_error(kind, tmp_path):
    ds = ultrasound_dataset(HEAD, PICTURE) if kind == "ultrasound" else series_datasets(BallAndBox())[0]
    write_dataset(ds, tmp_path / "a.dcm")
    said = subprocess.run(
        ["dciodvfy", tmp_path / "a.dcm"], capture_output=True, text=True, check=False
    ).stderr
    assert [line for line in said.splitlines() if line.startswith("Error")] == []


def test_the_truth_comes_back_as_findings(tmp_path):
    image = fetal_head_image(HEAD, PICTURE)
    findings = fetal_head_truth(HEAD, image)
    write_truth(tmp_path / "a.json", HEAD, findings, image="a.dcm")
    document = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert (document["format"], document["version"], document["image"]) == ("skiagraph-truth", 1, "a.dcm")
    back = [from_plain(Finding, item) for item in document["findings"]]
    assert np.array_equal(back[0].labels, findings[0].labels)
    assert back[2:] == list(findings[2:])


def test_a_folder_that_is_not_there_is_named_in_one_sentence(tmp_path):
    with pytest.raises(SkiagraphError):
        write_dataset(ultrasound_dataset(HEAD, PICTURE), tmp_path / "nowhere" / "a.dcm")


def test_the_volume_holds_the_numbers_that_it_promises():
    image = ball_and_box_image(BallAndBox())
    values, counts = np.unique(image.data, return_counts=True)
    assert values.tolist() == [WATER_HU, BALL_HU, BOX_HU]
    assert (counts > 20).all()


def test_the_series_is_the_volume_slice_by_slice(tmp_path):
    phantom = BallAndBox()
    image = ball_and_box_image(phantom)
    slices = sorted(
        (pydicom.dcmread(p) for p in write_series(phantom, tmp_path)), key=lambda ds: ds.InstanceNumber
    )
    assert len({ds.SOPInstanceUID for ds in slices}) == phantom.shape[0]
    assert {ds.FrameOfReferenceUID for ds in slices} == {image.space.frame}
    stack = np.stack(
        [ds.pixel_array.astype(int) * int(ds.RescaleSlope) + int(ds.RescaleIntercept) for ds in slices]
    )
    assert np.array_equal(stack, image.data)
    for n, ds in enumerate(slices):
        place = image.space.affine @ [n, 0, 0, 1]
        assert np.allclose(ds.ImagePositionPatient, place[:3])
        assert np.allclose(ds.PixelSpacing, phantom.spacing[1:])
