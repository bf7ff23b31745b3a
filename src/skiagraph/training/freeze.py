"""A learnt network as a bundle: one copy of the weights, into which the ONNX graph points."""

from __future__ import annotations

import json
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from onnx.external_data_helper import set_external_data
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from skiagraph.errors import BundleError, WriteFailed
from skiagraph.networks.graph import onnx_graph
from skiagraph.plain import to_plain
from skiagraph.task import Bundle, Card, Recipe, save_bundle

__all__ = ["freeze"]


def freeze(
    network: nn.Module, card: Card, recipe: Recipe, plan: Any, to: Path, second: nn.Module | None = None
) -> Bundle:
    """Writes a bundle.

    Args:
        network: In evaluation mode, on the CPU; maps (batch, channels, *recipe.shape) to what the recipe
            calls its outputs, (batch, outputs, *recipe.shape) or (batch, outputs).
        card: What it is.
        recipe: How it reads.
        plan: How it was learnt: a frozen value, for the record.
        to: The folder, which must not exist yet.
        second: Looks at outlines again, where the recipe asks for it: maps (batch, 4, angles, radii) to
            (batch, networks, angles / 2, radii / 2 + 1). Its kernels are kept in half precision.

    Returns:
        The bundle where it lies.

    Raises:
        BundleError: A number of the graph is not among the weights.
        WriteFailed: The folder exists, or the disk does not take it.
    """
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        try:
            _write(network, torch.zeros(2, recipe.channels, *recipe.shape), folder, ("weights", "graph"))
            if recipe.refine is not None and second is not None:
                seen = torch.zeros(2, 4, recipe.refine.angles, recipe.refine.radii)
                _write(second, seen, folder, ("refine", "refine"), half=True)
        except (OSError, SafetensorError) as error:
            raise WriteFailed(
                f"weights and graph are written to {tempfile.gettempdir()} first",
                got=getattr(error, "strerror", None) or "an error of the disk",
                way_out="make room there, or name another folder by TMPDIR",
            ) from error
        return save_bundle(Bundle(card=card, recipe=recipe, plan=to_plain(plan), folder=folder), to)


def _write(
    network: nn.Module, example: torch.Tensor, folder: Path, names: tuple[str, str], *, half: bool = False
) -> None:
    """Weights as safetensors, kernels in half precision if that is wanted, and the graph that points into them."""
    weights, graph = folder / f"{names[0]}.safetensors", folder / f"{names[1]}.onnx"
    learnt = {n: t.contiguous() for n, t in network.state_dict().items() if t.dtype.is_floating_point}
    kept = {n: t.half() if half and t.ndim > 1 else t for n, t in learnt.items()}
    save_file(kept, weights)
    exported = onnx_graph(network, example)
    _widened(exported, {n for n, t in kept.items() if t.dtype == torch.float16})
    onnx.save(_pointing(exported, weights), graph)


def _widened(graph: onnx.ModelProto, halved: set[str]) -> None:
    """Makes initialisers half precision, and widens each before it is used; engines fold that away when they load."""
    nodes = list(graph.graph.node)
    for tensor in graph.graph.initializer:
        if tensor.name in halved:
            values = onnx.numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    for node in nodes:
        node.input[:] = [f"{name}.wide" if name in halved else name for name in node.input]
    casts = [
        onnx.helper.make_node("Cast", [name], [f"{name}.wide"], to=onnx.TensorProto.FLOAT)
        for name in sorted(halved)
    ]
    graph.graph.ClearField("node")
    graph.graph.node.extend([*casts, *nodes])
    for known in [v for v in graph.graph.value_info if v.name in halved]:
        graph.graph.value_info.remove(known)


def _pointing(graph: onnx.ModelProto, weights: Path) -> onnx.ModelProto:
    """The graph with its initialisers replaced by places in the weights file."""
    places = _places(weights)
    for tensor in graph.graph.initializer:
        if tensor.name in places:
            offset, length = places[tensor.name]
            if len(tensor.raw_data) != length:
                raise BundleError("graph and weights agree in size", got=tensor.name)
            set_external_data(tensor, location=weights.name, offset=offset, length=length)
            tensor.ClearField("raw_data")
        elif tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.raw_data) > 1024:
            raise BundleError("every weight of the graph is in the weights file", got=tensor.name)
    return graph


def _places(weights: Path) -> dict[str, tuple[int, int]]:
    """Offset and length in bytes of each tensor in a safetensors file.

    Source: the safetensors format: 8 bytes length of the header, the header as JSON, the data.
    """
    with weights.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    return {
        name: (8 + size + entry["data_offsets"][0], entry["data_offsets"][1] - entry["data_offsets"][0])
        for name, entry in header.items()
        if name != "__metadata__"
    }
