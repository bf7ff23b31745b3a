"""Digests of findings and cases: two are equal when they say the same, to the last bit."""

from __future__ import annotations

import json

from skiagraph.case import Case
from skiagraph.findings import Finding
from skiagraph.image import image_digest
from skiagraph.plain import to_plain
from skiagraph.values import array_digest

__all__ = ["case_digest", "finding_digest"]


def finding_digest(finding: Finding) -> str:
    """SHA-256 of everything that a finding says, in hexadecimal."""
    return array_digest(json.dumps(to_plain(finding), sort_keys=True, allow_nan=False))


def case_digest(case: Case) -> str:
    """SHA-256 of the pixels, places and known findings of a case, in hexadecimal."""
    parts = [case.identifier, *case.problems]
    for name, image in sorted(case.images.items()):
        parts += [name, image_digest(image), image.space.frame, image.modality or "", image.quantity.name]
    for name, finding in sorted(case.known.items()):
        parts += [name, finding_digest(finding)]
    return array_digest(*parts, *(f"{name}={uid}" for name, uid in sorted(case.uids.items())))
