"""The sources are what the other tests take them for: each voxel is read where the files put it."""

import numpy as np
import pytest
import SimpleITK
from sources import IN_PATIENT, OTHER_SOURCES, SHAPE, F
from truth import LETTER, POLE, marked_frames, marked_places, ordered

from skiagraph.geometry import Grid, to_world

TWICE = ("cardiac cine", "ultrasound cine")


def places(source, which):
    space, marks = source.case.image.space, source.marks
    still = np.argwhere(marks == which)[:, -space.ndim :]
    return ordered(to_world(space, still.astype(float)))


def test_each_has_one_letter_and_a_pixel_of_the_pole_in_every_picture(any_source):
    pictures = int(np.prod(any_source.marks.shape)) // (SHAPE[1] * SHAPE[2])
    assert any_source.letter.sum() == F.sum() * (2 if any_source.name in TWICE else 1)
    assert (any_source.marks == POLE).sum() == pictures


@pytest.mark.parametrize("which", [LETTER, POLE])
@pytest.mark.parametrize("name", IN_PATIENT)
def test_the_marks_are_read_where_the_files_put_them(name, which, drawn_source):
    source = drawn_source(name)
    assert isinstance(source.case.image.space, Grid)
    truth = marked_places(source.folder, which)
    np.testing.assert_allclose(places(source, which), truth, atol=1e-4)


@pytest.mark.parametrize("name", ["ultrasound cine", "X-ray", "X-ray without size", "photograph"])
def test_pictures_are_read_as_their_files_have_them(name, drawn_source):
    source = drawn_source(name)
    frames = np.stack(list(marked_frames(source.folder).values()))
    assert np.array_equal(source.marks, frames if frames.shape[0] > 1 else frames[0])


@pytest.mark.parametrize("which", [LETTER, POLE])
@pytest.mark.parametrize("name", [name for name in OTHER_SOURCES if name != "PNG"])
def test_the_marks_of_other_files_are_read_where_another_reader_puts_them(name, which, drawn_source):
    source = drawn_source(name)
    read = SimpleITK.ReadImage(str(next(source.folder.iterdir())))
    values = SimpleITK.GetArrayFromImage(read)
    lit = np.argwhere((values > 2500) if which == LETTER else ((values > 1500) & (values < 2500)))
    points = [read.TransformIndexToPhysicalPoint([int(n) for n in index[::-1]]) for index in lit]
    np.testing.assert_allclose(places(source, which), ordered(np.array(points)), atol=1e-3)


def test_the_origin_of_an_image_says_which_frame_gave_each_slice(dicom_source):
    origin, frames = dicom_source.case.origins["image"], marked_frames(dicom_source.folder)
    *leading, rows, columns = dicom_source.marks.shape
    slices = dicom_source.marks.reshape(*origin.frames.shape[:2], rows, columns)
    assert len(leading) <= 2
    for index in np.ndindex(slices.shape[:2]):
        instance, number = origin.frames[index]
        cited = frames[origin.instances[instance].sop_instance_uid, int(number)]
        assert np.array_equal(slices[index], cited)
    assert len(origin.instances) == len({uid for uid, _ in frames})
    for instance in origin.instances:
        several = sum(uid == instance.sop_instance_uid for uid, _ in frames) > 1
        assert (instance.frames is not None) == several


@pytest.mark.parametrize("name", OTHER_SOURCES)
def test_what_is_not_dicom_has_no_origin(name, drawn_source):
    assert dict(drawn_source(name).case.origins) == {}
