"""Deep embeddings: the same numbers that enter the last linear layer of the network in torch, and refusals."""

import numpy as np
import pytest
import torch

from skiagraph import codes
from skiagraph.case import Case, Dataset
from skiagraph.codes import Code
from skiagraph.errors import BundleError, InvalidInput
from skiagraph.findings import Embedding, NotApplicable
from skiagraph.geometry import Grid, Plane, derived_frame
from skiagraph.image import Image
from skiagraph.inference import opened
from skiagraph.inference.embedding import embedded
from skiagraph.networks.catalogue import network
from skiagraph.task import Recipe
from skiagraph.testing.digest import finding_digest
from skiagraph.training import freeze, learnt_card
from skiagraph.training.build import Mean

KINDS = tuple(Code(value=v, scheme="99LOCAL", meaning=v) for v in ("round", "long"))
CONCEPT = Code(value="form", scheme="99LOCAL", meaning="form")
SIDE = 32


def recipe(task="classification"):
    if task == "segmentation":
        return Recipe(labels=(codes.HEAD,), shape=(SIDE, SIDE), normalise="zscore")
    return Recipe(
        task="classification",
        labels=KINDS,
        concept=CONCEPT,
        activation="softmax",
        shape=(SIDE, SIDE),
        normalise="zscore",
    )


def made(name, **options):
    torch.manual_seed(5)
    return network(name, **{"inputs": 1, "outputs": 2, **options}).eval()


def team():
    return Mean([made("resnet-20", base=4), made("resnet-20", base=4)]).eval()


def frozen(net, to, task="classification"):
    data = Dataset(name="forms", samples=(), licence="CC0-1.0")
    return freeze(net, learnt_card("forms", recipe(task), "US", data), recipe(task), {}, to)


def case(shape=(50, 60), modality="US"):
    data = np.random.default_rng(3).integers(0, 255, shape).astype(np.uint8)
    space = Plane.upright(shape=shape, spacing=(0.5, 0.5), frame=derived_frame("embedding"))
    return Case(identifier="c", images={"image": Image(data=data, space=space, modality=modality)})


def entering_the_heads(net, batch):
    """What a forward hook of torch sees before the last linear layer of each network."""
    seen = []
    heads = [member.head for member in net.members] if isinstance(net, Mean) else [net.head]
    hooks = [head.register_forward_pre_hook(lambda _, given: seen.append(given[0])) for head in heads]
    with torch.no_grad():
        net(torch.from_numpy(batch))
    for hook in hooks:
        hook.remove()
    return torch.cat(seen, 1).numpy()


NETWORKS = {
    "residual": lambda: made("resnet-20", base=4),
    "several in one graph": team,
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_an_embedding_is_what_enters_the_last_linear_layer(kind, tmp_path):
    net = NETWORKS[kind]()
    bundle = frozen(net, tmp_path / "bundle")
    one = embedded(bundle)
    found = one(case())
    wanted = entering_the_heads(net, opened(bundle).prepare(case())[None])[0]
    assert found.vector.dtype == np.float32
    assert found.model == f"{bundle.card.name} {bundle.card.version}"
    assert found.vector.shape == wanted.shape == (one.width,)
    np.testing.assert_allclose(found.vector, wanted, atol=1e-4, rtol=1e-4)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return frozen(made("resnet-20", base=4), tmp_path_factory.mktemp("embedding") / "bundle")


def test_an_embedding_is_the_same_each_time(bundle):
    first, again = embedded(bundle), embedded(bundle)
    assert finding_digest(first(case())) == finding_digest(first(case())) == finding_digest(again(case()))


def test_as_features_an_embedding_sorts_by_its_names(bundle):
    one = embedded(bundle)
    features = one.features(case())
    keys = [f.key for f in features]
    assert keys == sorted(keys)
    assert (keys[0], len(keys)) == ("embedding_01", one.width)
    assert [f.value for f in features] == one(case()).vector.tolist()


def volume():
    space = Grid(shape=(8, 20, 20), affine=np.eye(4), frame=derived_frame("volume"))
    return Case(identifier="v", images={"image": Image(data=np.zeros((8, 20, 20), np.uint8), space=space)})


@pytest.mark.parametrize(("shown", "reason"), [(case(modality="CT"), "modality"), (volume(), "3-D")])
def test_what_the_network_does_not_take_has_a_reason_instead(bundle, shown, reason):
    one = embedded(bundle)
    assert isinstance(one(shown), NotApplicable)
    features = one.features(shown)
    assert len(features) == one.width
    assert all(reason in f.reason and np.isnan(f.value) for f in features)


def test_a_graph_without_a_last_linear_layer_is_refused(tmp_path):
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    ).eval()
    with pytest.raises(BundleError, match="last linear layer"):
        embedded(frozen(net, tmp_path / "bundle"))


def test_a_network_that_outlines_is_refused(tmp_path):
    net = torch.nn.Conv2d(1, 1, 3, padding=1).eval()
    with pytest.raises(InvalidInput, match="which outlines"):
        embedded(frozen(net, tmp_path / "bundle", task="segmentation"))


def test_an_embedding_is_a_finding(bundle):
    assert isinstance(embedded(bundle)(case()), Embedding)
