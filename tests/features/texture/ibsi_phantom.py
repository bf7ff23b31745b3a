"""The digital phantom of the Image Biomarker Standardisation Initiative and what one must find in it.

The phantom: 4 slices of 4 rows and 5 columns (5 x 4 x 4 in x, y, z), samples of 2 mm, grey levels 1, 3, 4 and 6, used
as they are; 74 of its 80 samples belong to the region (0 here: does not). Source: IBSI reference manual, chapter 5,
and github.com/theibsi/data_sets (ibsi_1_digital_phantom, CC BY 4.0).

ibsi_phantom.csv: one line a feature, one column a way to merge matrices, as the manual calls these: 2D:avg (each
slice and direction by itself, then averaged; BTW3), 2D:mrg (directions merged in each slice; SUJT), 2.5D:avg (slices
merged for each direction; JJUI), 2.5D:mrg (both merged in the plane; ZW7Z), 3D:avg (ITBB), 3D:mrg (IAZD). Families
without directions have one value for 2D (8QNN), 2.5D (62GR) and 3D (KOBO). Statistics and histogram know no merging
and stand in the last column. The manual gives three digits and, for the phantom, no further tolerance: a value agrees
if it rounds to these.
"""

import csv
from math import floor, log10
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skiagraph.features.region import Region

MERGES = ("2D:avg", "2D:mrg", "2.5D:avg", "2.5D:mrg", "3D:avg", "3D:mrg")

SLICES = """
1 4 4 1 1
1 4 6 1 1
4 1 6 4 1
4 4 6 4 1

1 4 4 1 1
1 1 6 1 1
0 1 3 1 1
4 4 6 1 1

1 4 4 0 0
1 1 1 1 1
1 1 0 1 1
1 1 6 1 1

1 4 4 0 0
1 1 1 1 1
1 1 1 1 1
1 1 6 1 1
"""


class Published(NamedTuple):
    """A value of the manual: of which feature, merged how, and how far one may be from it."""

    family: str
    name: str
    merge: str
    value: float
    tolerance: float


def phantom() -> Region:
    """The phantom; samples outside of the region hold 9, which no feature may see."""
    grey = np.array(SLICES.split(), dtype=np.float64).reshape(4, 4, 5)
    return Region(numbers=np.where(grey > 0, grey, 9.0), mask=grey > 0, spacing=(2.0, 2.0, 2.0))


def published() -> list[Published]:
    """All values of ibsi_phantom.csv."""
    with Path(__file__).with_suffix(".csv").open(newline="", encoding="utf-8") as lines:
        return [
            Published(row["family"], row["name"], merge, float(row[merge]), last_digit(row[merge]) / 2)
            for row in csv.DictReader(lines)
            for merge in MERGES
            if row[merge]
        ]


def last_digit(text: str) -> float:
    """What 1 is worth in the third digit of a published value, the last that is known."""
    value = abs(float(text))
    return float(10.0 ** (floor(log10(value)) - 2)) if value else 1e-9
