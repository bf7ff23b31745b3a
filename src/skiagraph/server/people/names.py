"""Names of accounts and tokens: short, plain, and the same however they are typed."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from skiagraph.errors import InvalidInput

__all__ = ["checked_name", "folded_name", "is_name"]

_PLAIN: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")


def folded_name(name: str) -> str:
    """A name as it is compared: case and surrounding blanks mean nothing."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def is_name(folded: str) -> bool:
    """Whether a folded name may be one of ours."""
    return _PLAIN.fullmatch(folded) is not None


def checked_name(name: str) -> str:
    """A new name, folded.

    Raises:
        InvalidInput: Other characters than letters, digits and ``._@-``, or too few or too many.
    """
    folded = folded_name(name)
    if not is_name(folded):
        raise InvalidInput(
            "a name has 2 to 64 characters of a-z, 0-9 and ._@-, and begins with a letter or a digit",
            got="another",
        )
    return folded
