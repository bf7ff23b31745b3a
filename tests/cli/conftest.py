"""A small data set to learn from: discs and squares, with their sizes."""

import csv

import numpy as np
import pytest
from PIL import Image as Pillow


def table(folder, n=40, test=12):
    """Discs and squares of 16 x 16, with their sizes; one file is no picture."""
    with (folder / "dataset.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "label", "value.size_mm", "group", "split"])
        for number in range(n + test):
            rng = np.random.default_rng([1, number])
            at, size = np.indices((16, 16)) - 7.5 - rng.uniform(-1, 1, 2)[:, None, None], rng.uniform(3, 6)
            far = np.hypot(*at) if number % 2 else abs(at).max(0)
            data = (60 + 120 * (far < size) + rng.normal(0, 10, (16, 16))).clip(0, 255).astype(np.uint8)
            Pillow.fromarray(data).save(folder / f"{number}.png")
            split = "train" if number < n else "test"
            rows.writerow(
                [f"{number}.png", "disc" if number % 2 else "square", round(size, 3), number, split]
            )
    return folder / "dataset.csv"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return table(tmp_path_factory.mktemp("shapes"))
