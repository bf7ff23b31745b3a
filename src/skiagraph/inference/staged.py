"""A network model as three stages: prepare a case, run the engine, finish to a finding; all three from its recipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.case import Case
from skiagraph.errors import InvalidInput
from skiagraph.findings import Finding
from skiagraph.image import Image
from skiagraph.inference.engines import Precision, engine_for
from skiagraph.inference.finish import findings_of
from skiagraph.inference.mirror import Mirrored
from skiagraph.inference.tile import Tiled
from skiagraph.preprocess import network_input, network_space
from skiagraph.preprocess.grey import grey
from skiagraph.task import Bundle, Card, Engine, Recipe

__all__ = ["Staged", "opened", "staged"]

_BATCH: Final = 8


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Staged:
    """A model around an engine: it segments, classifies or measures, as its recipe says.

    Args:
        card: What it is.
        recipe: How it prepares and finishes.
        engine: What computes.
        second: What looks at the outline again; None where the recipe asks for nothing.
    """

    card: Card
    recipe: Recipe
    engine: Engine
    second: Engine | None = None

    def __call__(self, case: Case, /) -> Finding:
        """The finding of one case: its segmentation, its classification, or the first concept that is measured.

        Raises:
            InvalidInput: The image that the recipe names is missing or of another kind.
        """
        return self.findings(case)[0]

    def findings(self, case: Case, /) -> tuple[Finding, ...]:
        """All findings of one case: as many as concepts are measured, else one."""
        return next(iter(self.findings_of_each([case])))

    def each(self, cases: Iterable[Case]) -> Iterator[Finding]:
        """The finding of each of many cases, in order; neighbours of one shape are computed together."""
        return (found[0] for found in self.findings_of_each(cases))

    def findings_of_each(self, cases: Iterable[Case]) -> Iterator[tuple[Finding, ...]]:
        """All findings of each of many cases, in order."""
        for case, answer in self.answers(cases):
            yield findings_of(answer, self.image(case), self.recipe, self.second)

    def answers(self, cases: Iterable[Case]) -> Iterator[tuple[Case, NDArray[np.float32]]]:
        """Many cases with what the engine said of them, (outputs, spatial...) or (outputs,), in order."""
        stream = iter(cases)
        while group := list(islice(stream, _BATCH)):
            prepared = ((case, self.prepare(case)) for case in group)
            for _, alike in groupby(prepared, key=lambda pair: pair[1].shape):
                together, tensors = zip(*alike, strict=True)
                yield from zip(together, self.engine(np.stack(tensors)), strict=True)

    def image(self, case: Case, /) -> Image:
        """The image that the recipe names, grey or in the colours that it asks for.

        Raises:
            InvalidInput: The case has no such image.
        """
        image = case.images.get(self.recipe.image)
        if image is None:
            raise InvalidInput(
                f"the case holds an image named {self.recipe.image}", got=f"{sorted(case.images)}"
            )
        return grey(image) if self.recipe.channels == 1 else image

    def prepare(self, case: Case) -> NDArray[np.float32]:
        """What the engine sees of a case: (channels, spatial...), normalised."""
        image = self.image(case)
        return network_input(image, network_space(image.space, self.recipe), self.recipe)


def staged(card: Card, recipe: Recipe, engine: Engine, second: Engine | None = None) -> Staged:
    """The model of a recipe around its engines, mirrored and shown windows as the recipe says."""
    around = Mirrored(engine=engine, axes=recipe.mirror) if recipe.mirror else engine
    if recipe.overlap is not None:
        around = Tiled(engine=around, window=recipe.shape, overlap=recipe.overlap)
    return Staged(card=card, recipe=recipe, engine=around, second=second)


def opened(bundle: Bundle, *, engine: str = "auto", precision: Precision = "fp32") -> Staged:
    """The model of a bundle.

    Args:
        bundle: The model on disk.
        engine: See `engine_for`.
        precision: See `engine_for`.

    Raises:
        InvalidInput: An engine or precision that there is not.
        BundleError: The graph cannot be read.
    """
    first, second = engine_for(bundle, engine, precision), bundle.second_graph
    return staged(
        bundle.card,
        bundle.recipe,
        first,
        None if second is None else engine_for(bundle, engine, precision, second),
    )
