"""Why a pixel accuracy of 99 % may mean nothing: what is looked for is small, and the background is easy.

Pictures of 64 x 64 mm show tissue, noise, and one to three lesions a few millimetres across: less than one pixel in a
hundred. A "model" that calls everything background is therefore right in 99 % of all pixels, and has found nothing.
Beside it a small U-Net, while it learns: its accuracy hardly moves, because there is hardly any room above; Dice, which
asks about the lesions only, goes from nothing to most of the way.

Dice is twice the common area, divided by the sum of both areas. The true negatives, of which there are so many, do not
enter. Two more figures say the same: how many lesions were found, and the surface distance, in which an outline that is
missing counts as far off as the diagonal of the picture is long.
"""

import numpy as np
import torch
from drawing import folder, picture, write_sheet
from scipy import ndimage
from torch import Tensor, nn

from skiagraph.codes import Code
from skiagraph.findings import Segment, Segmentation
from skiagraph.geometry import Plane
from skiagraph.metrics import lesions, segmentation
from skiagraph.networks import network
from skiagraph.report.charts import Axis, Chart, Line, drawn
from skiagraph.task import evaluate

SIDE, TRAINING, TESTS, BATCH, STEPS, LOOK_EVERY = 64, 64, 40, 8, 120, 10
SPACE = Plane.upright(shape=(SIDE, SIDE), spacing=(1.0, 1.0), frame="2.25.1")
LESION = Segment(number=1, code=Code(value="lesion", scheme="99DOC", meaning="Lesion"))


def draw(number: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pictures and masks of their lesions, (number, 1, row, column)."""
    y, x = np.mgrid[:SIDE, :SIDE]
    masks = np.zeros((number, 1, SIDE, SIDE), dtype=bool)
    for n in range(number):
        for _ in range(rng.integers(1, 4)):
            middle, radii = rng.uniform(8, SIDE - 8, 2), rng.uniform(1.2, 2.6, 2)
            masks[n, 0] |= ((y - middle[0]) / radii[0]) ** 2 + ((x - middle[1]) / radii[1]) ** 2 <= 1
    rough, fine = rng.standard_normal((2, number, 1, SIDE, SIDE))
    tissue = 0.4 + 0.8 * ndimage.gaussian_filter(rough, (0, 0, 6, 6), mode="wrap") + 0.08 * fine
    soft = ndimage.gaussian_filter(masks.astype(float), (0, 0, 0.5, 0.5))
    return (tissue + 0.35 * soft).astype(np.float32), masks


def loss_of(logits: Tensor, masks: Tensor) -> Tensor:
    """Cross-entropy of pixels, and one minus a Dice of probabilities: small lesions would be drowned in the former."""
    p = torch.sigmoid(logits)
    dice = (2 * (p * masks).sum() + 1) / (p.sum() + masks.sum() + 1)
    return nn.functional.binary_cross_entropy_with_logits(logits, masks) + 1 - dice


def outlined(net: nn.Module, images: np.ndarray) -> np.ndarray:
    """Where the network is more sure than not, (number, 1, row, column)."""
    net.eval()
    with torch.no_grad():
        return (net(torch.from_numpy(images)) > 0).numpy()


def judged(found: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Pixel accuracy, and the figures of `skiagraph.metrics`."""
    outlines, references = (
        [Segmentation(space=SPACE, labels=mask[0].astype(np.uint8), segments=(LESION,)) for mask in masks]
        for masks in (found, true)
    )
    cases = [(str(n), *pair) for n, pair in enumerate(zip(outlines, references, strict=True))]
    rng = np.random.default_rng(0)
    overlap, counted = evaluate(cases, segmentation(), rng=rng), evaluate(cases, lesions(), rng=rng)
    return {
        "pixel accuracy": float((found == true).mean()),
        "Dice": overlap["dice"].value,
        "lesions found": counted["sensitivity"].value,
        "HD95 [mm]": overlap["hd95 [mm]"].value,
    }


torch.set_num_threads(1)
torch.manual_seed(0)
chance = np.random.default_rng(0)
images, masks = draw(TRAINING, chance)
new_images, new_masks = draw(TESTS, chance)
print(f"lesions cover {new_masks.mean():.2%} of the pixels")

net = network("unet", inputs=1, outputs=1, base=8, levels=3, norm="batch")
net.get_parameter("head.bias").data.fill_(-5)  # lesions are rare: this is said before anything is learnt
adam = torch.optim.Adam(net.parameters(), 0.005)
looks = []
for step in range(1, STEPS + 1):
    net.train()
    batch = chance.choice(TRAINING, BATCH, replace=False)
    loss = loss_of(net(torch.from_numpy(images[batch])), torch.from_numpy(masks[batch]).float())
    adam.zero_grad()
    loss.backward()
    adam.step()
    if step % LOOK_EVERY == 0:
        found = judged(outlined(net, new_images), new_masks)
        looks.append((step, found["pixel accuracy"], found["Dice"]))

outlines = {"background only": np.zeros_like(new_masks), "U-Net": outlined(net, new_images)}
for name, outline in outlines.items():
    print(
        f"{name}: " + ", ".join(f"{what} {value:.4g}" for what, value in judged(outline, new_masks).items())
    )

steps, accuracy, dice = np.array(looks).T
chart = Chart(
    title="Accuracy is high from the start; Dice tells",
    x=Axis(title="step", low=0, high=STEPS),
    y=Axis(title="new pictures", low=0, high=1.05),
    layers=(
        Line(x=steps, y=accuracy, name="pixel accuracy"),
        Line(x=steps, y=dice, name="Dice", style=2),
        Line(x=steps, y=np.full_like(dice, (~new_masks).mean()), name="accuracy of background only", style=1),
    ),
)
shown = {"picture": new_images, "truth": new_masks, **outlines}
most = new_masks.sum(axis=(1, 2, 3)).argmax()
pictures = [picture(name, values[most, 0], side=150) for name, values in shown.items()]
write_sheet(folder() / "pixel_accuracy.svg", [[drawn(chart)], pictures])
