"""The page of texture lists every feature with its code."""

from pathlib import Path

import pytest
from ibsi_phantom import phantom

from skiagraph.features.texture import Levels, textures

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "texture.md"
TABLES = ("statistics", "histogram", "glcm", "ngtdm")  # a row a feature; the others stand side by side


@pytest.mark.parametrize("feature", textures(phantom(), levels=Levels(bins=6)), ids=lambda f: f.key)
def test_a_feature_stands_on_the_page_with_its_code(feature):
    text = PAGE.read_text(encoding="utf-8")
    if feature.family in TABLES:
        assert f"| {feature.name} | {feature.ibsi or 'none'} |" in text
    else:
        assert f"| {feature.name} {feature.ibsi} |" in text
