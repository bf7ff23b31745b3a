"""Labelled data of any usual layout as one data set: samples that load when asked, and what their labels mean."""

from skiagraph.io.datasets.door import listed_dataset, read_dataset
from skiagraph.io.datasets.layouts import LAYOUTS
from skiagraph.io.datasets.listing import Listing

__all__ = ["LAYOUTS", "Listing", "listed_dataset", "read_dataset"]
