"""Secrets of 256 bits: shown once, and known here by their digests alone."""

from __future__ import annotations

import hashlib
import secrets

__all__ = ["digest_of", "new_secret"]

_BYTES = 32


def new_secret() -> str:
    """A new one, 43 characters that may stand in a URL."""
    return secrets.token_urlsafe(_BYTES)


def digest_of(secret: str) -> bytes:
    """SHA-256, as the database holds it; enough for what cannot be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
