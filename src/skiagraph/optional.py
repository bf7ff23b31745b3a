"""The one door to optional packages: they are there, or one sentence says what to install."""

from __future__ import annotations

import importlib
from types import ModuleType

from skiagraph.errors import MissingPackage

__all__ = ["optional"]


def optional(module: str, *, package: str, extra: str) -> ModuleType:
    """Imports a module that needs an optional package.

    Args:
        module: What to import, e.g. ``"skiagraph.training"``.
        package: What it needs, e.g. ``"torch"``.
        extra: The extra of skiagraph that brings it, e.g. ``"train"``.

    Raises:
        MissingPackage: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingPackage(
            f"{module} needs {package}",
            got=f"no module {error.name}",
            way_out=f"install it with: pip install 'skiagraph[{extra}]'",
        ) from error
