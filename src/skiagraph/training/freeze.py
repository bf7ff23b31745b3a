"""A learnt network as a bundle: one copy of the weights, into which the ONNX graph points."""

from __future__ import annotations

import json
import struct
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from onnx.external_data_helper import set_external_data
from safetensors.torch import save_file
from torch import nn

from skiagraph.errors import BundleError
from skiagraph.plain import to_plain
from skiagraph.task import Bundle, Card, Recipe, save_bundle

__all__ = ["freeze"]


def freeze(
    network: nn.Module, card: Card, recipe: Recipe, plan: Any, to: Path, second: nn.Module | None = None
) -> Bundle:
    """Writes a bundle.

    Args:
        network: In evaluation mode, on the CPU; maps (batch, 1, *recipe.shape) to (batch, labels, *recipe.shape).
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
        _write(network, torch.zeros(2, 1, *recipe.shape), folder, ("weights", "graph"))
        if recipe.refine is not None and second is not None:
            seen = torch.zeros(2, 4, recipe.refine.angles, recipe.refine.radii)
            _write(second, seen, folder, ("refine", "refine"), half=True)
        return save_bundle(Bundle(card=card, recipe=recipe, plan=to_plain(plan), folder=folder), to)


def _write(
    network: nn.Module, example: torch.Tensor, folder: Path, names: tuple[str, str], *, half: bool = False
) -> None:
    """Weights as safetensors, kernels in half precision if that is wanted, and the graph that points into them."""
    weights, graph = folder / f"{names[0]}.safetensors", folder / f"{names[1]}.onnx"
    learnt = {n: t.contiguous() for n, t in network.state_dict().items() if t.dtype.is_floating_point}
    kept = {n: t.half() if half and t.ndim > 1 else t for n, t in learnt.items()}
    save_file(kept, weights)
    exported = _exported(network, example)
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


def _exported(network: nn.Module, example: torch.Tensor) -> onnx.ModelProto:
    """The graph with the names of the network's weights; the batch is free."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # the exporter warns of its own deprecations, which no reader can mend
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            optimize=False,
            input_names=["image"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            verbose=False,
        )
    if program is None:
        raise BundleError("the network can be written as an ONNX graph", got="no graph from the exporter")
    return _bare(_unbiased(program.model_proto))


def _unbiased(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Convolutions of volumes that have no bias, without the one of a wrong shape that the exporter invents for them.

    Source: onnxscript, issue 2931: 0.7.2 gives `Conv` a bias of shape (channels, 2), which engines refuse.
    """
    invented = {node.output[0] for node in graph.graph.node if node.op_type == "Expand"}
    for node in graph.graph.node:
        volume = any(part.name == "kernel_shape" and len(part.ints) == 3 for part in node.attribute)
        if node.op_type == "Conv" and volume and len(node.input) == 3 and node.input[2] in invented:
            del node.input[2]
    while True:
        read = {name for node in graph.graph.node for name in node.input} | {
            o.name for o in graph.graph.output
        }
        kept = [node for node in graph.graph.node if read.intersection(node.output)]
        if len(kept) == len(graph.graph.node):
            return graph
        graph.graph.ClearField("node")
        graph.graph.node.extend(kept)


def _bare(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The graph without the notes of the exporter: they are large, and they name files of the machine it ran on."""
    graph.graph.ClearField("metadata_props")
    graph.ClearField("metadata_props")
    for part in (*graph.graph.node, *graph.graph.value_info, *graph.graph.input, *graph.graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    for tensor in graph.graph.initializer:
        tensor.ClearField("metadata_props")
    return graph


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
