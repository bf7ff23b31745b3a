"""What the tests of the DICOM node share: a node that takes from anybody, and senders that say anything."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "interchange"))

from senders import Raw, running

from skiagraph.server.node.node import Node
from skiagraph.server.site import Site


@pytest.fixture(scope="module")
def open_node(tmp_path_factory) -> Iterator[tuple[Site, Node]]:
    """A node that takes from anybody, with one receiver."""
    with running(tmp_path_factory.mktemp("node") / "home", idle_seconds=5.0) as pair:
        yield pair


@pytest.fixture
def raw(open_node) -> Iterator[Callable[[], Raw]]:
    """Makes senders that say anything to the open node."""
    with ExitStack() as stack:

        def made() -> Raw:
            one = Raw(open_node[1].port)
            stack.callback(one.close)
            return one

        yield made
