"""The languages of the report, as an option of several commands."""

from __future__ import annotations

import enum

__all__ = ["Lang"]


class Lang(enum.StrEnum):
    """Languages of the report."""

    en = "en"
    zh = "zh"
