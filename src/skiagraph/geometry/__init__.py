"""Where things are: lattices in the patient, planes of projection, frames, and the ways between them."""

from skiagraph.geometry.frame import derived_frame, new_frame
from skiagraph.geometry.grid import Grid
from skiagraph.geometry.orientation import axis_codes, reoriented
from skiagraph.geometry.plane import Plane
from skiagraph.geometry.regrid import cropped, flipped, padded, permuted, resized, respaced
from skiagraph.geometry.space import IndexMap, Space, index_map, spacing_of, to_index, to_world
from skiagraph.geometry.timeline import Timeline
from skiagraph.geometry.transform import Transform

__all__ = [
    "Grid",
    "IndexMap",
    "Plane",
    "Space",
    "Timeline",
    "Transform",
    "axis_codes",
    "cropped",
    "derived_frame",
    "flipped",
    "index_map",
    "new_frame",
    "padded",
    "permuted",
    "reoriented",
    "resized",
    "respaced",
    "spacing_of",
    "to_index",
    "to_world",
]
