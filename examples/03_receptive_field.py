"""What an answer sees: two kernels of 3 x 3 on top of each other see 5 x 5, three see 7 x 7, with fewer numbers.

The receptive field of an answer is the part of the picture that it depends on. It need not be worked out on paper: the
gradient of one answer with respect to the picture is zero wherever the answer does not look.

Why then not one large kernel? For two reasons. Small ones need fewer numbers. And between two small ones stands a
rectifier, so that the stack can say what no single kernel can: here, "there is an edge", whichever side is bright. A
single kernel answers a negative picture with the negative answer; it cannot help it. Without the rectifier the stack
could not either, for two kernels in a row are nothing but one larger kernel.

The pictures show how strongly the answer depends on each pixel (the root of it, so that the rim is seen): much in the
middle, little at the rim, because many ways lead through the stack from the middle and few from a corner.

Source: Simonyan and Zisserman, Very deep convolutional networks (ICLR 2015), section 2.3.
"""

from itertools import pairwise

import torch
from drawing import folder, picture, write_sheet
from torch import Tensor, nn
from torch.nn import functional as nnf

SIDE, CHANNELS, DRAWS = 15, 16, 300


def stack(layers: int) -> nn.Sequential:
    """Convolutions with random weights and a rectifier between each two, from one channel to one."""
    widths = [1, *[CHANNELS] * (layers - 1), 1]
    parts: list[nn.Module] = []
    for before, after in pairwise(widths):
        parts += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def seen(layers: int) -> Tensor:
    """How strongly the answer in the middle depends on each pixel: the mean size of its gradient over draws."""
    total = torch.zeros(SIDE, SIDE)
    for _ in range(DRAWS):
        image = torch.randn(1, 1, SIDE, SIDE, requires_grad=True)
        stack(layers)(image)[0, 0, SIDE // 2, SIDE // 2].backward()
        if image.grad is not None:
            total += image.grad[0, 0].abs() / DRAWS
    return total


def extent(field: Tensor) -> str:
    """Rows x columns of the smallest box around all that is not zero."""
    rows, columns = (int(field.any(axis).sum()) for axis in (1, 0))
    return f"{rows} x {columns}"


torch.manual_seed(0)

# What is seen, and what it costs. The numbers are those between one channel and one other, without biases.
pictures = []
for layers in (1, 2, 3):
    field, wide = seen(layers), 2 * layers + 1
    stacked = "1 layer of 3 x 3 sees" if layers == 1 else f"{layers} layers of 3 x 3 see"
    print(f"{stacked} {extent(field)}: {9 * layers} numbers, one {wide} x {wide} has {wide**2}")
    pictures.append(
        picture(f"{layers} x (3 x 3): sees {extent(field)}", (field / field.max()).sqrt().numpy())
    )

# Two kernels in a row, and nothing between them, are one kernel of 5 x 5: the first laid over the second. (Networks do
# not turn their kernels, so the second is turned here to lay it over.)
first, second = torch.randn(2, 1, 1, 3, 3)
both = nnf.conv2d(first, second.flip(2, 3), padding=2)
image = torch.randn(1, 1, SIDE, SIDE)
one_by_one = nnf.conv2d(nnf.conv2d(image, first), second)
print(
    "without a rectifier, two layers are one kernel of 5 x 5:",
    torch.allclose(one_by_one, nnf.conv2d(image, both), atol=1e-4),
)

# What the rectifier adds. The first layer asks "brighter to the right?" and "brighter to the left?", the second adds
# what the rectifier left of both.
step = torch.zeros(1, 1, SIDE, SIDE)
step[..., SIDE // 2 + 1 :] = 1
right = torch.tensor([[0.0, 0.0, 0.0], [0.0, -1.0, 1.0], [0.0, 0.0, 0.0]])
ask, add = nn.Conv2d(1, 2, 3, padding=1, bias=False), nn.Conv2d(2, 1, 3, padding=1, bias=False)
single = nn.Conv2d(1, 1, 5, padding=2, bias=False)
with torch.no_grad():
    ask.weight.copy_(torch.stack([right, -right])[:, None])
    add.weight.zero_()
    add.weight[0, :, 1, 1] = 1
    single.weight.copy_(nnf.pad(right, (1, 1, 1, 1)))
edge = nn.Sequential(ask, nn.ReLU(), add)


def answer(layer: nn.Module, picture: Tensor) -> float:
    """In the middle, where the edge is."""
    with torch.no_grad():
        return float(layer(picture)[0, 0, SIDE // 2, SIDE // 2])


print(
    f"an edge, the right side bright: one kernel says {answer(single, step):+g}, the stack {answer(edge, step):+g}"
)
print(
    f"an edge, the left side bright: one kernel says {answer(single, -step):+g}, the stack {answer(edge, -step):+g}"
)

write_sheet(folder() / "receptive_field.svg", [pictures])
