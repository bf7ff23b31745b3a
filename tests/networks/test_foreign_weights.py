"""Weights in the names of torchvision, timm and MedicalNet: written by renaming ours, and read again."""

import pytest
import torch
from safetensors.torch import save_file

from skiagraph.errors import BundleError, InvalidInput, MissingInput
from skiagraph.networks import load_foreign, network
from skiagraph.networks.foreign_weights import foreign_name

# The names as they stand in files of torchvision 0.29, timm 1.0 and MedicalNet, weight by weight of ours.
TABLE = [
    ("torchvision", "resnet", "body.conv1.weight", "conv1.weight"),
    ("torchvision", "resnet", "body.norm1.running_var", "bn1.running_var"),
    ("timm", "resnet", "body.stages.stage3.10.conv2.weight", "layer3.10.conv2.weight"),
    ("timm", "resnet", "body.stages.stage1.0.norm3.bias", "layer1.0.bn3.bias"),
    ("medicalnet", "resnet", "body.stages.stage4.0.shortcut.0.weight", "layer4.0.downsample.0.weight"),
    ("medicalnet", "resnet", "head.bias", "fc.bias"),
    ("torchvision", "densenet", "body.conv0.weight", "features.conv0.weight"),
    ("torchvision", "densenet", "body.norm5.weight", "features.norm5.weight"),
    (
        "timm",
        "densenet",
        "body.blocks.block3.layer24.norm2.bias",
        "features.denseblock3.denselayer24.norm2.bias",
    ),
    ("timm", "densenet", "body.blocks.transition2.conv.weight", "features.transition2.conv.weight"),
    ("timm", "densenet", "head.weight", "classifier.weight"),
    ("torchvision", "vgg", "body.features.28.bias", "features.28.bias"),
    ("torchvision", "vgg", "body.classifier.3.weight", "classifier.3.weight"),
    ("torchvision", "vgg", "head.weight", "classifier.6.weight"),
    ("timm", "vgg", "body.classifier.0.weight", "pre_logits.fc1.weight"),
    ("timm", "vgg", "head.bias", "head.fc.bias"),
    ("torchvision", "vit", "body.token", "class_token"),
    ("torchvision", "vit", "body.position", "encoder.pos_embedding"),
    (
        "torchvision",
        "vit",
        "body.blocks.11.attention.qkv.weight",
        "encoder.layers.encoder_layer_11.self_attention.in_proj_weight",
    ),
    ("torchvision", "vit", "body.blocks.0.down.bias", "encoder.layers.encoder_layer_0.mlp.3.bias"),
    ("torchvision", "vit", "body.norm.weight", "encoder.ln.weight"),
    ("timm", "vit", "body.patches.weight", "patch_embed.proj.weight"),
    ("timm", "vit", "body.blocks.3.attention.out.bias", "blocks.3.attn.proj.bias"),
    ("timm", "vit", "body.blocks.3.up.weight", "blocks.3.mlp.fc1.weight"),
    ("timm", "vit", "head.weight", "head.weight"),
]
MODELS = {
    "resnet": ("resnet-18", {}),
    "densenet": ("densenet-121", {"growth": 4}),
    "vgg": ("vgg-11", {"base": 4, "hidden": 8}),
    "vit": ("vit-tiny", {"size": 32, "patch": 16}),
}
ORIGINS = [
    *(("torchvision", family) for family in MODELS),
    *(("timm", family) for family in MODELS),
    ("medicalnet", "resnet"),
]


def built(family, seed=0, **changes):
    torch.manual_seed(seed)
    name, options = MODELS[family]
    return network(name, **{"inputs": 2, "outputs": 3, **options, **changes}).eval()


def renamed(source, origin, family):
    return {
        foreign_name(ours, origin, family): values.contiguous()
        for ours, values in source.state_dict().items()
    }


def written(tensors, folder):
    save_file(tensors, folder / "weights.safetensors")
    return folder / "weights.safetensors"


@pytest.mark.parametrize(("origin", "family", "ours", "theirs"), TABLE)
def test_names_are_those_of_the_table(origin, family, ours, theirs):
    assert foreign_name(ours, origin, family) == theirs


@pytest.mark.parametrize(("origin", "family"), ORIGINS)
def test_a_file_in_their_names_makes_the_network_answer_the_same(origin, family, tmp_path):
    source, target = built(family), built(family, seed=1)
    loaded = load_foreign(target, written(renamed(source, origin, family), tmp_path), origin=origin)
    x = torch.randn(2, 2, 32, 32)
    assert not torch.equal(built(family, seed=1)(x), source(x))
    assert torch.equal(target(x), source(x))
    assert loaded.head
    assert loaded.left == ()
    assert loaded.tensors == len(source.state_dict())


@pytest.mark.parametrize(("origin", "family"), ORIGINS)
def test_a_head_of_another_task_is_left_out(origin, family, tmp_path):
    source, target = built(family), built(family, seed=1, outputs=5)
    before = target.head.weight.clone()
    loaded = load_foreign(target, written(renamed(source, origin, family), tmp_path), origin=origin)
    assert not loaded.head
    assert len(loaded.left) == 2
    assert torch.equal(target.head.weight, before)
    x = torch.randn(1, 2, 32, 32)
    assert torch.equal(target.body(x), source.body(x))


def test_medicalnet_files_have_a_prefix_and_a_head_for_segmentation(tmp_path):
    options = {"ndim": 3, "inputs": 1, "shortcut": "pad", "dilated": True, "base": 8}
    source, target = built("resnet", **options), built("resnet", seed=1, **options)
    tensors = {
        f"module.{n}": v
        for n, v in renamed(source, "medicalnet", "resnet").items()
        if not n.startswith("fc.")
    }
    tensors["module.conv_seg.0.weight"] = torch.zeros(8, 4, 2, 2, 2)
    loaded = load_foreign(target, written(tensors, tmp_path), origin="medicalnet")
    assert not loaded.head
    assert loaded.left == ("conv_seg.0.weight",)
    x = torch.randn(1, 1, 16, 16, 16)
    assert torch.equal(target.body(x), source.body(x))


def test_older_files_of_torchvision_are_read(tmp_path):
    source, target = built("densenet"), built("densenet", seed=1)
    older = {
        n.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): v
        for n, v in renamed(source, "torchvision", "densenet").items()
    }
    load_foreign(target, written(older, tmp_path), origin="torchvision")
    assert torch.equal(target.head.weight, source.head.weight)


def test_kernels_over_the_whole_map_are_dense_layers(tmp_path):
    source, target = built("vgg"), built("vgg", seed=1)
    tensors = renamed(source, "timm", "vgg")
    tensors["pre_logits.fc1.weight"] = tensors["pre_logits.fc1.weight"].reshape(8, 32, 7, 7)
    tensors["pre_logits.fc2.weight"] = tensors["pre_logits.fc2.weight"].reshape(8, 8, 1, 1)
    load_foreign(target, written(tensors, tmp_path), origin="timm")
    x = torch.randn(1, 2, 32, 32)
    assert torch.equal(target(x), source(x))


def without(name):
    return lambda tensors: tensors.pop(name)


def with_more(name):
    return lambda tensors: tensors.update({name: torch.zeros(1)})


def narrower(name):
    return lambda tensors: tensors.update({name: tensors[name][:1].clone()})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("layer2.1.conv1.weight"), "no layer2.1.conv1.weight"),
        (with_more("layer5.0.conv1.weight"), "also layer5.0.conv1.weight"),
        (narrower("conv1.weight"), r"conv1.weight has the shape \(64, 2, 7, 7\)"),
    ],
)
def test_what_is_missing_left_over_or_of_another_shape_is_refused_and_nothing_changes(
    change, message, tmp_path
):
    tensors, target = renamed(built("resnet"), "timm", "resnet"), built("resnet", seed=1)
    change(tensors)
    before = {name: values.clone() for name, values in target.state_dict().items()}
    with pytest.raises(BundleError, match=message):
        load_foreign(target, written(tensors, tmp_path), origin="timm")
    assert all(torch.equal(values, before[name]) for name, values in target.state_dict().items())


def test_networks_and_origins_without_a_table_are_refused(tmp_path):
    file = written({"x": torch.zeros(1)}, tmp_path)
    with pytest.raises(InvalidInput, match="names are known"):
        load_foreign(built("vgg"), file, origin="medicalnet")
    with pytest.raises(InvalidInput, match="names are known"):
        load_foreign(network("alexnet", inputs=1, outputs=1, hidden=4), file, origin="torchvision")
    with pytest.raises(InvalidInput, match="has a name"):
        foreign_name("body.wings.weight", "timm", "resnet")


def test_files_that_are_not_there_or_are_something_else_are_refused(tmp_path):
    with pytest.raises(MissingInput):
        load_foreign(built("resnet"), tmp_path / "none.safetensors", origin="timm")
    (tmp_path / "weights.pth").write_bytes(b"not safetensors at all")
    with pytest.raises(BundleError, match=r"weights\.pth"):
        load_foreign(built("resnet"), tmp_path / "weights.pth", origin="timm")
