"""Arrays and geometry from and to files: one format a module, loaded by name, so that none pays for another."""

from skiagraph.codecs.decoded import Decoded, derived, with_pixel_size
from skiagraph.codecs.written import written

__all__ = ["Decoded", "derived", "with_pixel_size", "written"]
