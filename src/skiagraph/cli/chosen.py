"""Which image of a case a command takes, where the case holds several that belong together."""

from __future__ import annotations

from skiagraph.case import Case
from skiagraph.errors import UnknownName
from skiagraph.image import Image

__all__ = ["chosen"]


def chosen(case: Case, name: str | None, done: str) -> Image:
    """The image of that name, or the one that there is.

    Args:
        case: With its images.
        name: As ``--image`` says it; None where it was left away.
        done: What happens to the image, for the message: ``"converted"``.

    Raises:
        UnknownName: No image of that name, or several and no name.
    """
    if name is not None and name in case.images:
        return case.images[name]
    if name is None and len(case.images) == 1:
        return case.image
    raise UnknownName(
        f"one image is {done} at a time",
        got=f"{len(case.images)} images" if name is None else repr(name),
        way_out=f"choose one with --image: {', '.join(case.images)}",
    )
