"""Classes of a chest X-ray: `pneumoniamnist.npz`, one training of the planner's plan on the official splits.

``python benchmarks/pneumonia.py`` learns (resumable; give the same command again), prints the table, keeps every answer
in `results/pneumonia.json`, and writes the table on the page of benchmarks.
"""

from __future__ import annotations

from typing import Any

from small_pictures_run import finish

PUBLISHED = {
    "published: ResNet-18 at 28": (0.944, 0.854),
    "published: ResNet-50 at 28": (0.948, 0.854),
    "published: auto-sklearn": (0.942, 0.855),
    "published: AutoKeras": (0.947, 0.878),
    "published: Google AutoML Vision": (0.991, 0.946),
}


def words(found: Any) -> str:
    """What stands above the table."""
    return (
        f"`pneumoniamnist.npz`: {found['networks'][0]} networks in one bundle, {found['epochs'][0]} epochs each. Of "
        "the pictures to learn from 74 % show pneumonia, of the test split 62 %: the cut that the model decides by is "
        "chosen on pictures that its networks did not see, so that sensitivity and specificity together are largest, "
        "which does not lean on the share."
    )


if __name__ == "__main__":
    finish("pneumonia", (0,), PUBLISHED, words)
