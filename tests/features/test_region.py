"""What features are computed on, and what one says."""

import numpy as np
import pytest

from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.features.feature import Feature
from skiagraph.features.region import Region, region_of
from skiagraph.geometry import Plane, Timeline, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import HU


def picture(spacing=(0.5, 0.25), **more):
    plane = Plane.upright(shape=(3, 4), spacing=spacing, frame=derived_frame("x"))
    return Image(data=np.arange(12, dtype=np.int16).reshape(3, 4), space=plane, **more)


def test_a_region_holds_the_numbers_in_the_mask_and_the_size_of_a_sample():
    mask = np.zeros((3, 4), bool)
    mask[1, 1:3] = True
    region = region_of(picture(quantity=HU), mask)
    assert region.inside.tolist() == [5.0, 6.0]
    assert region.spacing == pytest.approx((0.5, 0.25))
    assert (region.ndim, region.unit) == (2, "[hnsf'U]")
    assert region_of(picture(spacing=None), mask).spacing is None


def test_a_region_is_refused_where_it_describes_nothing_that_is_there():
    with pytest.raises(GeometryError, match="a mask of its shape"):
        region_of(picture(), np.zeros((4, 3), bool))
    with pytest.raises(InvalidInput, match="a positive number for each axis"):
        Region(numbers=np.zeros((2, 2)), mask=np.zeros((2, 2), bool), spacing=(1.0, 0.0))
    plane = Plane.upright(
        shape=(2, 2), spacing=(1.0, 1.0), frame=derived_frame("y"), timeline=Timeline(times=np.arange(2.0))
    )
    moving = Image(data=np.zeros((2, 2, 2)), space=plane)
    with pytest.raises(InvalidInput, match="choose a frame"):
        region_of(moving, np.zeros((2, 2), bool))


def test_a_feature_has_a_value_or_a_reason_and_a_column_in_a_table():
    assert Feature(family="glcm", name="joint entropy", value=2.5, ibsi="TU9B").key == "glcm_joint_entropy"
    assert np.isnan(Feature(family="a", name="b", value=np.nan, reason="an empty mask").value)
    for value, reason in ((np.nan, ""), (1.0, "because"), (np.inf, "")):
        with pytest.raises(InvalidInput, match="a finite value or a reason"):
            Feature(family="a", name="b", value=value, reason=reason)
