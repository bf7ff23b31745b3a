"""A learnt network as a bundle: one copy of the weights, into which the ONNX graph points."""

from __future__ import annotations

import json
import struct
import tempfile
import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx.external_data_helper import set_external_data
from safetensors.torch import save_file
from torch import nn

from skiagraph.errors import BundleError
from skiagraph.plain import to_plain
from skiagraph.task import Bundle, Card, Recipe, save_bundle

__all__ = ["freeze"]


def freeze(network: nn.Module, card: Card, recipe: Recipe, plan: Any, to: Path) -> Bundle:
    """Writes a bundle.

    Args:
        network: In evaluation mode, on the CPU; maps (batch, 1, *recipe.shape) to (batch, labels, *recipe.shape).
        card: What it is.
        recipe: How it reads.
        plan: How it was learnt: a frozen value, for the record.
        to: The folder, which must not exist yet.

    Returns:
        The bundle where it lies.

    Raises:
        BundleError: A number of the graph is not among the weights.
        WriteFailed: The folder exists, or the disk does not take it.
    """
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        weights = {
            name: tensor.contiguous()
            for name, tensor in network.state_dict().items()
            if tensor.dtype.is_floating_point
        }
        save_file(weights, folder / "weights.safetensors")
        onnx.save(
            _pointing(_exported(network, recipe), folder / "weights.safetensors"), folder / "graph.onnx"
        )
        return save_bundle(Bundle(card=card, recipe=recipe, plan=to_plain(plan), folder=folder), to)


def _exported(network: nn.Module, recipe: Recipe) -> onnx.ModelProto:
    """The graph with the names of the network's weights; the batch is free."""
    example = torch.zeros(2, 1, *recipe.shape)
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
    return _bare(program.model_proto)


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
