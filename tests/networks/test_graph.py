"""ONNX graphs: biases that the exporter invents are taken out, the options of networks come through."""

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from skiagraph.networks import network
from skiagraph.networks.graph import onnx_graph
from skiagraph.networks.resnet import Layout, cifar_resnet


def said(graph, x):
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": x.numpy()})[0]


@pytest.mark.parametrize("bias", [False, True])
def test_a_convolution_of_volumes_has_the_bias_that_its_layer_has(bias):
    torch.manual_seed(0)
    layer, x = nn.Conv3d(2, 3, 3, bias=bias).eval(), torch.randn(2, 2, 5, 5, 5)
    graph = onnx_graph(layer, x)
    assert [node.op_type for node in graph.graph.node] == ["Conv"]
    assert list(graph.graph.node[0].input) == ["image", "weight", *(["bias"] if bias else [])]
    np.testing.assert_allclose(said(graph, x), layer(x).detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(
    "built",
    [
        lambda: cifar_resnet(
            8, inputs=2, outputs=3, ndim=3, layout=Layout(stem="3x3", base=8, attention="cbam")
        ),
        lambda: cifar_resnet(
            8, inputs=2, outputs=3, ndim=3, layout=Layout(base=8, attention="se", dilated=True)
        ),
        lambda: network("alexnet", inputs=2, outputs=3, ndim=3, kernels="5-3", response="within", hidden=8),
        lambda: network("resnet-20", inputs=2, outputs=3, ndim=3, scales=(1, 2), base=4),
    ],
    ids=["cbam", "squeeze-excitation and dilation", "response within channels", "two scales"],
)
def test_options_come_through_the_graph(built):
    torch.manual_seed(0)
    layers, x = built().eval(), torch.randn(2, 2, 16, 17, 20)
    np.testing.assert_allclose(
        said(onnx_graph(layers, x), x), layers(x).detach().numpy(), atol=1e-4, rtol=1e-4
    )
