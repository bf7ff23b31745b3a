"""From findings to words and pages: sentences, `reading.json`, and a report that stands in one file."""

from skiagraph.report.narrative import drafted, narrative, sentence, sentences
from skiagraph.report.page import Entry, entry_of, render_index, render_report
from skiagraph.report.reading import Input, Reading, reading_from_plain, reading_of, reading_to_plain
from skiagraph.report.words import LANGUAGES, Language, check_language

__all__ = [
    "LANGUAGES",
    "Entry",
    "Input",
    "Language",
    "Reading",
    "check_language",
    "drafted",
    "entry_of",
    "narrative",
    "reading_from_plain",
    "reading_of",
    "reading_to_plain",
    "render_index",
    "render_report",
    "sentence",
    "sentences",
]
