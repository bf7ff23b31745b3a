"""Roles and what each may do: one table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

__all__ = ["MAY", "PERMISSIONS", "Permission", "Role"]

Role = Literal["viewer", "reader", "admin", "service"]
"""A service has no permissions of its role: its token names them."""

Permission = Literal["see", "upload", "report", "sign", "manage", "audit"]
"""``see`` studies, images and reports; ``upload`` studies; ``report``: write drafts and correct findings; ``sign``
reports; ``manage`` people, tokens, routes, models and destinations; read the ``audit`` trail."""

PERMISSIONS: Final[tuple[Permission, ...]] = get_args(Permission)

MAY: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        "viewer": frozenset({"see"}),
        "reader": frozenset({"see", "upload", "report", "sign"}),
        "admin": frozenset({"see", "upload", "manage", "audit"}),
        "service": frozenset(),
    }
)
