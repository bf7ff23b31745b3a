"""From findings to words and pages: sentences, `reading.json`, and a report that stands in one file."""

from skiagraph.report.narrative import drafted, narrative, sentence
from skiagraph.report.words import LANGUAGES, Language, check_language

__all__ = ["LANGUAGES", "Language", "check_language", "drafted", "narrative", "sentence"]
