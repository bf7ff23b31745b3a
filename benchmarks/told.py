"""Puts what a benchmark measured between its marks on the page of benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parent.parent / "docs" / "reference" / "benchmarks.md"


def tell(name: str, words: str) -> None:
    """Replaces what stands between the marks of ``benchmarks/<name>.py``."""
    begin, end = (f"<!-- {said} benchmarks/{name}.py -->" for said in ("measured by", "end of"))
    before, _, rest = PAGE.read_text("utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{PAGE.name} has no marks of {name}")
    PAGE.write_text(f"{before}{begin}\n\n{words.strip()}\n\n{end}{after}", "utf-8")
