"""A frozen network: one copy of the weights, and three engines that say the same."""

import dataclasses
import errno
import json

import numpy as np
import onnx
import pytest
import torch
from onnx.external_data_helper import load_external_data_for_model
from safetensors.numpy import load_file

from skiagraph.errors import BundleError, InvalidInput, MissingInput, WriteFailed
from skiagraph.inference import OnnxEngine, OpenVinoEngine, engine_for, opened
from skiagraph.inference.torch_engine import TorchEngine
from skiagraph.networks import Committee, ResidualUNet, RingNet
from skiagraph.plain import from_plain
from skiagraph.task import Refine, load_bundle, save_bundle
from skiagraph.training import Plan, freeze, learnt_card


@pytest.fixture(scope="module")
def network(plan):
    """Untrained, but with batch statistics that matter."""
    torch.manual_seed(3)
    result = ResidualUNet(inputs=1, outputs=1, widths=plan.options["widths"])
    for _ in range(3):
        result(torch.randn(4, 1, 32, 48) * 2 + 1)
    return result.eval()


@pytest.fixture(scope="module")
def bundle(network, plan, dataset, tmp_path_factory):
    card = learnt_card("ellipses", plan.recipe, "US", dataset)
    return freeze(network, card, plan.recipe, plan, tmp_path_factory.mktemp("frozen") / "ellipses")


@pytest.fixture
def copy(bundle, tmp_path):
    """The bundle once more, to be damaged."""
    folder = tmp_path / "damaged"
    folder.mkdir()
    for path in bundle.folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_a_frozen_bundle_is_read_as_it_was_written(bundle, plan):
    again = load_bundle(bundle.folder)
    assert again.card == bundle.card
    assert again.recipe == plan.recipe
    assert from_plain(Plan, again.plan) == plan
    assert again.digest() == bundle.digest()
    names = sorted(p.name for p in bundle.folder.iterdir())
    assert names == ["card.json", "graph.onnx", "plan.json", "recipe.json", "weights.safetensors"]


def test_the_weights_lie_once_and_the_graph_points_into_them(bundle, network):
    graph = onnx.load(bundle.graph, load_external_data=False)
    learnt = {n: t.numpy() for n, t in network.state_dict().items() if t.dtype.is_floating_point}
    inside = [t for t in graph.graph.initializer if t.data_location != onnx.TensorProto.EXTERNAL]
    assert sum(len(t.raw_data) for t in inside) < 1024, "only shapes and scales stay in the graph"
    outside = [t for t in graph.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    assert {t.name for t in outside} == set(learnt)
    assert {e.value for t in outside for e in t.external_data if e.key == "location"} == {
        "weights.safetensors"
    }
    load_external_data_for_model(graph, str(bundle.folder))
    for tensor in graph.graph.initializer:
        if tensor.name in learnt:
            assert np.array_equal(onnx.numpy_helper.to_array(tensor), learnt[tensor.name])


def test_the_weights_keep_their_names_for_training(bundle, network):
    saved = load_file(bundle.weights)
    for name, tensor in network.state_dict().items():
        if tensor.dtype.is_floating_point:
            assert np.array_equal(saved[name], tensor.numpy())


def test_the_graph_is_small(bundle):
    weights, graph = bundle.weights.stat().st_size, bundle.graph.stat().st_size
    assert graph < 64 * 1024
    assert weights > 4 * sum(t.numel() for t in map(torch.from_numpy, load_file(bundle.weights).values()))


@pytest.mark.parametrize("batch", [1, 3])
def test_three_engines_agree(batch, bundle, network):
    x = np.random.default_rng(batch).normal(size=(batch, 1, 32, 48)).astype(np.float32)
    expected = TorchEngine(network)(x)
    assert expected.shape == (batch, 1, 32, 48)
    assert np.ptp(expected) > 0.1
    for engine in (OnnxEngine(bundle, threads=1), OpenVinoEngine(bundle, threads=1)):
        assert engine.precision == "fp32"
        np.testing.assert_allclose(engine(x), expected, atol=1e-4)


def test_an_answer_stays_what_it_was_when_the_engine_is_asked_again(bundle, rng):
    for engine in (OnnxEngine(bundle, threads=1), OpenVinoEngine(bundle, threads=1)):
        first = engine(rng.normal(size=(1, 1, 32, 48)).astype(np.float32))
        kept = first.copy()
        engine(rng.normal(size=(1, 1, 32, 48)).astype(np.float32))
        assert np.array_equal(first, kept)


def test_engines_name_themselves(bundle, network):
    assert OnnxEngine(bundle).name.startswith("onnxruntime ")
    assert OpenVinoEngine(bundle).name.startswith("openvino ")
    assert TorchEngine(network).name.startswith("torch ")
    assert engine_for(bundle).name.startswith("openvino ")


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_the_opened_bundle_reads_a_case_as_the_network_does(engine, bundle, network, plan, dataset):
    case = dataset.samples[0].case()
    model = opened(bundle, engine=engine)
    found = model(case)
    assert found.space == case.image.space
    logits = TorchEngine(network)(model.prepare(case)[None])
    np.testing.assert_allclose(model.engine(model.prepare(case)[None]), logits, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "precision", "said"),
    [("onnxruntime", "bf16", "computed with fp32"), ("tensorrt", "fp32", "the engines are")],
)
def test_an_engine_or_precision_that_there_is_not_is_refused(name, precision, said, bundle):
    with pytest.raises(InvalidInput, match=said):
        engine_for(bundle, name, precision)


def test_an_existing_folder_is_not_overwritten(bundle):
    before = bundle.digest()
    with pytest.raises(WriteFailed, match="new folder"):
        save_bundle(bundle, bundle.folder)
    assert bundle.digest() == before


@pytest.mark.parametrize(
    "name", ["card.json", "recipe.json", "plan.json", "graph.onnx", "weights.safetensors"]
)
def test_a_bundle_with_a_missing_file_is_refused(name, copy):
    (copy / name).unlink()
    with pytest.raises(MissingInput, match=name):
        load_bundle(copy)


def _json(change):
    def damage(path):
        data = json.loads(path.read_text("utf-8"))
        change(data)
        path.write_text(json.dumps(data), "utf-8")

    return damage


DAMAGED_TEXTS = {
    "cut card": ("card.json", lambda p: p.write_text(p.read_text("utf-8")[:50], "utf-8"), "JSON"),
    "list for a card": ("card.json", lambda p: p.write_text("[]", "utf-8"), "JSON"),
    "no version": ("recipe.json", _json(lambda d: d.pop("format")), "format version"),
    "a later version": ("card.json", _json(lambda d: d.update(format=99)), "format 99"),
    "a field too many": ("card.json", _json(lambda d: d.update(surprise=1)), "surprise"),
    "a field too few": ("recipe.json", _json(lambda d: d.pop("labels")), "needs"),
    "a threshold of 7": ("recipe.json", _json(lambda d: d.update(threshold=7.0)), "threshold"),
}


@pytest.mark.parametrize(("name", "damage", "said"), DAMAGED_TEXTS.values(), ids=DAMAGED_TEXTS)
def test_a_bundle_with_a_damaged_text_is_refused(name, damage, said, copy):
    damage(copy / name)
    with pytest.raises(BundleError, match=said):
        load_bundle(copy)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("graph.onnx", lambda raw: raw[: len(raw) // 3]),
        ("graph.onnx", lambda raw: b"no graph"),
        ("graph.onnx", lambda raw: b""),
        ("weights.safetensors", lambda raw: raw[: len(raw) // 3]),
        ("weights.safetensors", lambda raw: b""),
    ],
    ids=["graph cut", "graph is text", "graph empty", "weights cut", "weights empty"],
)
def test_a_bundle_with_a_damaged_graph_or_weights_is_refused(engine, name, damage, copy):
    path = copy / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BundleError, match="refuses"):
        opened(load_bundle(copy), engine=engine)


def test_a_second_network_lies_beside_the_first_and_every_engine_runs_it(network, plan, dataset, tmp_path):
    torch.manual_seed(4)
    refine = Refine(angles=64, radii=32)
    second = Committee([RingNet(inputs=4, widths=(4, 6, 8, 8)) for _ in range(2)]).eval()
    recipe = dataclasses.replace(plan.recipe, refine=refine, prior="ellipse")
    card = learnt_card("ellipses", recipe, "US", dataset)
    bundle = freeze(network, card, recipe, plan, tmp_path / "two", second)
    assert load_bundle(bundle.folder).recipe.refine == refine
    x = np.random.default_rng(0).normal(size=(4, 4, 64, 32)).astype(np.float32)
    with torch.no_grad():
        for kernel in (p for p in second.parameters() if p.ndim > 1):
            kernel.copy_(kernel.half().float())
    expected = TorchEngine(second)(x)
    kept = load_file(bundle.folder / "refine.safetensors")
    assert {k.dtype.name for k in kept.values() if k.ndim > 1} == {"float16"}
    assert expected.shape == (4, 2, 32, 17)
    for name in ("openvino", "onnxruntime"):
        found = engine_for(bundle, name, graph=bundle.second_graph)(x)
        np.testing.assert_allclose(found, expected, atol=1e-4)
    one = opened(bundle)
    assert one.second is not None
    (bundle.folder / "refine.onnx").unlink()
    with pytest.raises(MissingInput, match=r"without refine\.onnx"):
        load_bundle(bundle.folder)


def test_a_full_disk_is_said_and_nothing_is_left(network, plan, dataset, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(onnx, "save", full)
    card = learnt_card("ellipses", plan.recipe, "US", dataset)
    with pytest.raises(WriteFailed, match="No space left on device; make room"):
        freeze(network, card, plan.recipe, plan, tmp_path / "ellipses")
    assert list(tmp_path.iterdir()) == []
