"""One volume, however its file orders the axes, gives one segmentation: a 3-D toy model as the witness."""

import nibabel as nib
import numpy as np
import pytest

from skiagraph.case import Case
from skiagraph.findings import resample
from skiagraph.geometry import Grid, Transform, derived_frame, flipped, index_map, permuted
from skiagraph.image import Image, pixels
from skiagraph.inference import staged
from skiagraph.io import read_case, write_image
from skiagraph.phantoms.volume import BOX_HU, BallAndBox, ball_and_box_image, write_series
from skiagraph.testing import check_model

PHANTOMS = {
    "round numbers": BallAndBox(),
    "odd numbers": BallAndBox(shape=(11, 30, 37), spacing=(2.9, 0.71, 0.83), origin=(-13.37, 4.2, -77.7)),
}
RECIPES = {
    "finer": {"orientation": "SPL", "spacing": (1.0, 0.9, 0.9)},
    "coarser": {"orientation": "RAS", "spacing": (3.5, 2.5, 2.5)},
    "turned": {"orientation": "LPS", "spacing": (2.0, 2.0, 2.0)},
    "to a shape": {"orientation": "ASR", "shape": (24, 20, 28)},
}
phantoms = pytest.mark.parametrize("phantom", PHANTOMS.values(), ids=PHANTOMS)
recipes = pytest.mark.parametrize("choices", RECIPES.values(), ids=RECIPES)


@pytest.fixture
def model(halfway, recipe, card, choices):
    return staged(card(modality="CT", ndim=3), recipe(**{"shape": (1, 1, 1), **choices}), halfway)


def turned(image):
    """The volume as NIfTI programs order it: (i, j, k) to the right, to the front and up."""
    space = flipped(flipped(permuted(image.space, (2, 1, 0)), 0), 1)
    data = np.transpose(pixels(image), (2, 1, 0))[::-1, ::-1]
    return Image(data=data, space=space, quantity=image.quantity, modality=image.modality)


def brought(found, space):
    """A segmentation in the frame of another file of the same patient: the two worlds coincide."""
    via = Transform(matrix=np.eye(4), source=found.space.frame, target=space.frame)
    return resample(found, onto=space, via=None if found.space.frame == space.frame else via)


@phantoms
@recipes
def test_a_turned_volume_gives_the_same_segmentation(phantom, model):
    image = ball_and_box_image(phantom)
    other = turned(image)
    first = model(Case(identifier="a", images={"image": image}))
    second = model(Case(identifier="b", images={"image": other}))
    assert first.space == image.space
    assert second.space == other.space
    assert first.labels.any()
    assert index_map(second.space, first.space).exact
    assert np.array_equal(brought(second, first.space).labels, first.labels)


@phantoms
@recipes
def test_a_dicom_series_and_a_nifti_file_give_the_same_segmentation(phantom, model, tmp_path):
    """nibabel writes the NIfTI file, in its own order of axes and in RAS, as other programs do."""
    write_series(phantom, tmp_path / "series")
    other = turned(ball_and_box_image(phantom))
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ other.space.affine
    nib.save(nib.Nifti1Image(np.asarray(pixels(other)), affine), tmp_path / "volume.nii.gz")
    dicom, nifti = read_case(tmp_path / "series"), read_case(tmp_path / "volume.nii.gz")
    first, second = model(dicom), model(nifti)
    assert first.space == dicom.image.space
    assert second.space == nifti.image.space
    same = brought(second, first.space)
    assert np.array_equal(same.labels, first.labels)
    assert [s.code for s in same.segments] == [s.code for s in first.segments]


@pytest.mark.parametrize("choices", [RECIPES["turned"]])
@pytest.mark.parametrize("name", ["volume.nii.gz", "volume.mha", "volume.nrrd"])
def test_every_format_that_is_written_gives_the_same_segmentation(name, model, tmp_path):
    image = ball_and_box_image(BallAndBox())
    write_image(image, tmp_path / name)
    first = model(Case(identifier="a", images={"image": image}))
    second = model(read_case(tmp_path / name))
    assert np.array_equal(brought(second, first.space).labels, first.labels)


@pytest.mark.parametrize("choices", [RECIPES["finer"]])
def test_the_toy_model_finds_the_box(model):
    """Otherwise all of the above could hold for nothing at all."""
    image = ball_and_box_image(BallAndBox())
    found = model(Case(identifier="a", images={"image": image}))
    truth = pixels(image) == BOX_HU
    both = (found.labels.astype(bool) & truth).sum()
    assert 2 * both / (found.labels.sum() + truth.sum()) > 0.93


@pytest.mark.parametrize("choices", [RECIPES["turned"]])
def test_volumes_of_different_shapes_may_come_together(model, halfway):
    cases = [
        Case(identifier=f"c{n}", images={"image": ball_and_box_image(BallAndBox(shape=shape))})
        for n, shape in enumerate([(12, 32, 40), (12, 32, 40), (14, 30, 24)])
    ]
    together = list(model.each(cases))
    assert [b[0] for b in halfway.batches] == [2, 1]
    for found, case in zip(together, cases, strict=True):
        assert np.array_equal(found.labels, model(case).labels)


@pytest.mark.parametrize("choices", [RECIPES["turned"]])
def test_a_tilted_gantry_is_kept(model):
    image = ball_and_box_image(BallAndBox())
    affine = image.space.affine.copy()
    affine[1, 0] = 0.6  # each slice a little lower than the one before
    space = Grid(shape=image.space.shape, affine=affine, frame=derived_frame("tilted"))
    tilted = Image(data=image.data, space=space, quantity=image.quantity, modality="CT")
    found = model(Case(identifier="t", images={"image": tilted}))
    assert found.space == space
    truth = pixels(image) == BOX_HU
    assert 2 * (found.labels.astype(bool) & truth).sum() / (found.labels.sum() + truth.sum()) > 0.85


@pytest.mark.parametrize("choices", [RECIPES["coarser"]])
def test_the_contract_holds_in_three_dimensions(model):
    image = ball_and_box_image(BallAndBox())
    check_model(model, Case(identifier="a", images={"image": image}))
