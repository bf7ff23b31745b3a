"""Running models: engines, the stages of a network model, the gate in front of it, and many cases in one go."""

from skiagraph.inference.engines import OnnxEngine, OpenVinoEngine, Precision, engine_for
from skiagraph.inference.gate import Answering, Gated, gate_of
from skiagraph.inference.mirror import Mirrored
from skiagraph.inference.run import run
from skiagraph.inference.staged import Staged, opened, staged

__all__ = [
    "Answering",
    "Gated",
    "Mirrored",
    "OnnxEngine",
    "OpenVinoEngine",
    "Precision",
    "Staged",
    "engine_for",
    "gate_of",
    "opened",
    "run",
    "staged",
]
