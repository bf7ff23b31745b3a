"""How good a picture is: one measure a file, and the table of limits from where on a measure is worth a remark."""

from skiagraph.features.quality.kind import Kind, kind_of
from skiagraph.features.quality.limits import LIMITS, Limit, Topic, limit_of
from skiagraph.features.quality.measures import Measured, measured
from skiagraph.features.quality.topics import TOPICS, remark

__all__ = [
    "LIMITS",
    "TOPICS",
    "Kind",
    "Limit",
    "Measured",
    "Topic",
    "kind_of",
    "limit_of",
    "measured",
    "remark",
]
