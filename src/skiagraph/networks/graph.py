"""A network as an ONNX graph that keeps the names of its weights."""

from __future__ import annotations

import warnings

import onnx
import torch
from torch import nn

from skiagraph.errors import BundleError

__all__ = ["onnx_graph"]


def onnx_graph(network: nn.Module, example: torch.Tensor) -> onnx.ModelProto:
    """The graph with the names of the network's weights; the batch is free.

    Args:
        network: In evaluation mode, on the CPU, with one answer.
        example: A batch of at least two, of the size that the graph is for.

    Returns:
        A graph from ``image`` to ``logits``, without notes on the machine that it was made on.

    Raises:
        BundleError: The network does something that ONNX has no words for.
    """
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
    loose = set[str]()
    for node in graph.graph.node:
        volume = any(part.name == "kernel_shape" and len(part.ints) == 3 for part in node.attribute)
        if node.op_type == "Conv" and volume and len(node.input) == 3 and node.input[2] in invented:
            loose.add(node.input[2])
            del node.input[2]
    while loose:
        loose -= {name for node in graph.graph.node for name in node.input}
        dead = [node for node in graph.graph.node if loose.intersection(node.output)]
        loose = {name for node in dead for name in node.input}
        for node in dead:
            graph.graph.node.remove(node)
    return graph


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
