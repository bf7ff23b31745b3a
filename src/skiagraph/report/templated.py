"""The templates of pages, by name: what is put in is escaped, and what is missing is an error."""

from __future__ import annotations

import functools

import jinja2

__all__ = ["template"]


@functools.cache
def template(name: str) -> jinja2.Template:
    """A template of this room.

    Args:
        name: Its file in ``templates``.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("skiagraph.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
