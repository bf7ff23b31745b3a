"""The version of this release, in one place for the build, the face, and all that states what it was made by."""

from typing import Final

__all__ = ["__version__"]

__version__: Final = "0.1.0"
