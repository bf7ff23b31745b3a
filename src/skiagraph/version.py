"""The version of this release, in one place for the build, the face, and all that states what it was made by."""

__all__ = ["__version__"]

__version__ = "0.1.0"
