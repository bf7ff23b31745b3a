"""Classes of a breast sonogram: `breastmnist.npz`, five trainings of the planner's plan on the official splits.

``python benchmarks/breast.py`` learns (resumable; give the same command again), prints the table, keeps every answer in
`results/breast.json`, and writes the table on the page of benchmarks.
"""

from __future__ import annotations

from typing import Any

from small_pictures_run import finish

PUBLISHED = {
    "published: ResNet-18 at 28": (0.901, 0.863),
    "published: ResNet-50 at 28": (0.857, 0.812),
    "published: auto-sklearn": (0.836, 0.803),
    "published: AutoKeras": (0.871, 0.831),
    "published: Google AutoML Vision": (0.919, 0.861),
}


def words(found: Any) -> str:
    """What stands above the table."""
    area = found["rows"]["Skiagraph, as the model decides"]["AUC"]["deviation over seeds"]
    return (
        f"`breastmnist.npz`: the mean of {len(found['seeds'])} seeds, {found['networks'][0]} networks in each bundle, "
        f"{found['epochs'][0]} epochs each; the AUC of one seed deviates by {area:.3f}. The official splits share "
        f"pictures: {found['pairs across splits']} pairs of copies stand across them, which flatters whoever learns "
        "them by heart, here and in the published figures. The lower rows leave out the test pictures that have a copy "
        "among those learnt from. Sensitivity is that of normal or benign, which the set counts as the positive class."
    )


if __name__ == "__main__":
    finish("breast", range(5), PUBLISHED, words)
