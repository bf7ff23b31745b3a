"""Running models: engines, the stages of a network model, the gate in front of it, and many cases in one go."""

from skiagraph.inference.engines import OnnxEngine, OpenVinoEngine, engine_for
from skiagraph.inference.mirror import Mirrored
from skiagraph.inference.run import run
from skiagraph.inference.staged import Staged, opened, staged

__all__ = ["Mirrored", "OnnxEngine", "OpenVinoEngine", "Staged", "engine_for", "opened", "run", "staged"]
