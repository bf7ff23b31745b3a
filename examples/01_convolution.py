"""Convolution, shared weights and pooling, by hand.

A network for pictures asks one small question at every place: how much does this neighbourhood look like my kernel?
The kernel is laid over the picture, what lies on top of each other is multiplied, the products are added, and the sum
is written down where the kernel lay. Then the kernel moves on. What comes out is a map of answers.

Three things make this work:
- it is local: an answer depends on a neighbourhood, not on the whole picture;
- its weights are shared: the same few numbers are used everywhere, so that a thing is found wherever it lies, and there
  is little to learn;
- pooling follows: of each block of answers only the largest (or the mean) is kept, so that a shift by a pixel matters
  less, and the next kernel sees further.

(What networks call convolution is correlation in mathematics: the kernel is not turned by half a circle.)
"""

from collections.abc import Callable

import numpy as np
from scipy.signal import correlate2d


def convolved(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The map of answers wherever the kernel lies wholly inside of the picture ("valid")."""
    rows, columns = (n - k + 1 for n, k in zip(picture.shape, kernel.shape, strict=True))
    answers = np.zeros((rows, columns))
    for row in range(rows):
        for column in range(columns):
            neighbourhood = picture[row : row + kernel.shape[0], column : column + kernel.shape[1]]
            answers[row, column] = (neighbourhood * kernel).sum()
    return answers


def pooled(answers: np.ndarray, size: int, keep: Callable[..., np.ndarray]) -> np.ndarray:
    """One number for each block of size x size: what `keep` (np.max, np.mean) makes of it."""
    rows, columns = (n // size for n in answers.shape)
    blocks = answers[: rows * size, : columns * size].reshape(rows, size, columns, size)
    return keep(blocks, axis=(1, 3))


def show(title: str, numbers: np.ndarray) -> None:
    """Prints a small matrix, a row a line."""
    print(title)
    for row in numbers:
        print("  " + " ".join(f"{n:g}" for n in row))


picture = np.array([[int(c) for c in row] for row in ("11100", "01110", "00111", "00110", "01100")])
kernel = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
show("picture", picture)
show("kernel", kernel)

# The first answer: the kernel lies on the top left corner, rows 111, 011, 001. Its corners and its middle meet
# 1, 1, 1, 0 and 1, so the answer is 4.
answers = convolved(picture, kernel)
show("picture convolved with kernel", answers)
print("SciPy says the same:", np.array_equal(answers, correlate2d(picture, kernel, mode="valid")))

# How many answers there are: along each side, as many as there are places for the kernel, n - k + 1.
large = np.random.default_rng(1).random((96, 96))
wide = np.random.default_rng(2).random((8, 8))
many = convolved(large, wide)
print(f"96 x 96 convolved with 8 x 8 gives {many.shape[0]} x {many.shape[1]} = {many.size:,} values")
print("SciPy says the same:", np.allclose(many, correlate2d(large, wide, mode="valid")))

# What sharing saves: the same map of answers, from a layer in which every answer weighs every pixel, from one in which
# every answer has a kernel of its own, and from one kernel for all.
print(f"weights, each answer from every pixel:     {large.size * many.size:,}")
print(f"weights, each answer with its own kernel:  {wide.size * many.size:,}")
print(f"weights, one kernel shared by all answers: {wide.size:,}")

# Shared weights find a thing wherever it lies: move the picture, and the answers move along.
moved = np.roll(large, (3, 5), axis=(0, 1))
follows = np.allclose(convolved(moved, wide)[3:, 5:], many[:-3, :-5])
print("a moved picture gives moved answers:", follows)

# Pooling 2 x 2 of a 4 x 4 map.
map_of_answers = np.array([[1, 3, 2, 0], [4, 2, 1, 1], [0, 0, 5, 6], [2, 2, 7, 8]])
show("a map of answers", map_of_answers)
show("its largest in each 2 x 2", pooled(map_of_answers, 2, np.max))
show("its mean in each 2 x 2", pooled(map_of_answers, 2, np.mean))
