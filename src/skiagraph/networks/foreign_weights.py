"""Weights that others have learnt, from a local safetensors file in the names of torchvision, timm or MedicalNet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, final

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from skiagraph.errors import BundleError, InvalidInput, MissingInput
from skiagraph.networks.classifier import Classifier
from skiagraph.networks.densenet import DenseNetBody
from skiagraph.networks.resnet import ResNetBody
from skiagraph.networks.vision_transformer import VisionTransformerBody

__all__ = ["NAMES", "Loaded", "Origin", "foreign_name", "load_foreign", "under_our_names"]

Origin = Literal["torchvision", "timm", "medicalnet"]
Family = Literal["resnet", "densenet", "vgg", "vit"]
Rules = tuple[tuple[str, str], ...]

_RESNET: Rules = (
    (r"body\.conv1\.", "conv1."),
    (r"body\.norm1\.", "bn1."),
    (r"body\.stages\.stage(\d)\.(\d+)\.norm(\d)\.", r"layer\1.\2.bn\3."),
    (r"body\.stages\.stage(\d)\.(\d+)\.shortcut\.", r"layer\1.\2.downsample."),
    (r"body\.stages\.stage(\d)\.(\d+)\.", r"layer\1.\2."),
    (r"head\.", "fc."),
)
_DENSENET: Rules = (
    (r"body\.(conv0|norm0|norm5)\.", r"features.\1."),
    (r"body\.blocks\.block(\d)\.layer(\d+)\.", r"features.denseblock\1.denselayer\2."),
    (r"body\.blocks\.transition(\d)\.", r"features.transition\1."),
    (r"head\.", "classifier."),
)
_VGG: Rules = (
    (r"body\.features\.", "features."),
    (r"body\.classifier\.", "classifier."),
    (r"head\.", "classifier.6."),
)
_VGG_TIMM: Rules = (
    (r"body\.features\.", "features."),
    (r"body\.classifier\.0\.", "pre_logits.fc1."),
    (r"body\.classifier\.3\.", "pre_logits.fc2."),
    (r"head\.", "head.fc."),
)
_VIT: Rules = (
    (r"body\.token$", "class_token"),
    (r"body\.position$", "encoder.pos_embedding"),
    (r"body\.patches\.", "conv_proj."),
    (r"body\.blocks\.(\d+)\.norm(\d)\.", r"encoder.layers.encoder_layer_\1.ln_\2."),
    (r"body\.blocks\.(\d+)\.attention\.qkv\.", r"encoder.layers.encoder_layer_\1.self_attention.in_proj_"),
    (r"body\.blocks\.(\d+)\.attention\.out\.", r"encoder.layers.encoder_layer_\1.self_attention.out_proj."),
    (r"body\.blocks\.(\d+)\.up\.", r"encoder.layers.encoder_layer_\1.mlp.0."),
    (r"body\.blocks\.(\d+)\.down\.", r"encoder.layers.encoder_layer_\1.mlp.3."),
    (r"body\.norm\.", "encoder.ln."),
    (r"head\.", "heads.head."),
)
_VIT_TIMM: Rules = (
    (r"body\.token$", "cls_token"),
    (r"body\.position$", "pos_embed"),
    (r"body\.patches\.", "patch_embed.proj."),
    (r"body\.blocks\.(\d+)\.norm(\d)\.", r"blocks.\1.norm\2."),
    (r"body\.blocks\.(\d+)\.attention\.qkv\.", r"blocks.\1.attn.qkv."),
    (r"body\.blocks\.(\d+)\.attention\.out\.", r"blocks.\1.attn.proj."),
    (r"body\.blocks\.(\d+)\.up\.", r"blocks.\1.mlp.fc1."),
    (r"body\.blocks\.(\d+)\.down\.", r"blocks.\1.mlp.fc2."),
    (r"body\.norm\.", "norm."),
    (r"head\.", "head."),
)

# Source: torchvision 0.29 `torchvision/models`, timm 1.0 `timm/models`, Tencent/MedicalNet `models/resnet.py`.
NAMES: MappingProxyType[tuple[Origin, Family], Rules] = MappingProxyType(
    {
        ("torchvision", "resnet"): _RESNET,
        ("timm", "resnet"): _RESNET,
        ("medicalnet", "resnet"): _RESNET,
        ("torchvision", "densenet"): _DENSENET,
        ("timm", "densenet"): _DENSENET,
        ("torchvision", "vgg"): _VGG,
        ("timm", "vgg"): _VGG_TIMM,
        ("torchvision", "vit"): _VIT,
        ("timm", "vit"): _VIT_TIMM,
    }
)
_HEADS = {"medicalnet": ("conv_seg.", "fc.")}
# Older files of torchvision: `norm.1` for `norm1` in DenseNet, `linear_1` for `mlp.0` in ViT.
_OLDER: Rules = (
    (r"(denselayer\d+)\.(norm|conv)\.(\d)\.", r"\1.\2\3."),
    (r"\.mlp\.linear_1\.", ".mlp.0."),
    (r"\.mlp\.linear_2\.", ".mlp.3."),
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came from the file.

    Attributes:
        tensors: How many tensors were taken.
        head: Whether the head was among them; otherwise it is as it was before, and is to be learnt.
        left: The names in the file that were not needed: the head of another task.
    """

    tensors: int
    head: bool
    left: tuple[str, ...]


def foreign_name(ours: str, origin: Origin, family: Family) -> str:
    """What another library calls a weight of ours.

    Raises:
        InvalidInput: The table has no name for it.
    """
    for pattern, replacement in NAMES.get((origin, family), ()):
        named, times = re.subn(f"^{pattern}", replacement, ours)
        if times:
            return named
    raise InvalidInput(f"{origin} has a name for every weight of {family}", got=ours)


def load_foreign(network: Classifier, file: Path, *, origin: Origin) -> Loaded:
    """Puts the weights of a file into a network, in place.

    All of the body must be there, and nothing else but a head. A head of another shape is left out. torchvision and
    timm's ResNet-50, 101 and 152 take the stride in the 3x3: build ours with ``stride_in="3x3"``. MedicalNet's do too,
    its ResNet-18 and 34 have ``shortcut="pad"``, and all are run with ``dilated=True``.

    Args:
        network: A ResNet, DenseNet, VGG or Vision Transformer of the catalogue.
        file: Safetensors, in the names of `origin`. Names may begin with ``module.``, as those that were learnt on
            several devices do.
        origin: Whose names they are.

    Raises:
        InvalidInput: There is no table for this network and origin.
        MissingInput: The file does not exist.
        BundleError: The file is damaged, a tensor is missing, left over, or of another shape; the network is as it was.
    """
    family = _family(network)
    if family is None or (origin, family) not in NAMES:
        raise InvalidInput(
            "names are known for ResNet, DenseNet, VGG and ViT",
            got=f"{type(network.body).__name__} of {origin}",
        )
    given = _read(file)
    state, taken, missing, head = network.state_dict(), dict[str, Tensor](), list[str](), []
    for ours in state:
        theirs = foreign_name(ours, origin, family)
        if ours.startswith("head."):
            head.append((ours, theirs))
        elif theirs in given:
            taken[ours] = _shaped(given.pop(theirs), state[ours], theirs)
        elif not ours.endswith("num_batches_tracked"):
            missing.append(theirs)
    if missing:
        raise BundleError("every weight of the body is in the file", got=f"no {_few(missing)}")
    fits = all(theirs in given and given[theirs].shape == state[ours].shape for ours, theirs in head)
    if fits:
        taken |= {ours: given.pop(theirs) for ours, theirs in head}
    heads = (*_HEADS.get(origin, ()), *(theirs for _, theirs in head))
    over = [name for name in given if not name.startswith(heads) and not name.endswith("num_batches_tracked")]
    if over:
        raise BundleError("every weight of the file has its place in the network", got=f"also {_few(over)}")
    network.load_state_dict({**state, **taken})
    return Loaded(tensors=len(taken), head=fits, left=tuple(sorted(given)))


def under_our_names(network: nn.Module, file: Path) -> dict[str, Tensor]:
    """The tensors of a file, under the names that a network has for them, whoever wrote it.

    Args:
        network: Stays as it is. Files in its own names are for any network, those of others for ResNet, DenseNet, VGG
            and Vision Transformer.
        file: Safetensors.

    Returns:
        All of the file but MedicalNet's head; what has no name of ours is under that of the file.

    Raises:
        InvalidInput: There is no table for this network.
        MissingInput: The file does not exist.
        BundleError: The file is damaged.
    """
    given, ours = _read(file), network.state_dict()
    if 2 * len(given.keys() & ours.keys()) > len(given):
        return given
    family = _family(network) if isinstance(network, Classifier) else None
    if family is None:
        rule = "weights of others are for ResNet, DenseNet, VGG and ViT; other networks have files in their own names"
        raise InvalidInput(rule, got=f"{file.name} with other names")
    tables = [
        {foreign_name(name, origin, family): name for name in ours} for origin, of in NAMES if of == family
    ]
    table = max(tables, key=lambda names: len(names.keys() & given.keys()))
    kept = {name: tensor for name, tensor in given.items() if not name.startswith("conv_seg.")}
    return {table.get(name, name): tensor for name, tensor in kept.items()}


def _family(network: Classifier) -> Family | None:
    match network.body:
        case ResNetBody():
            return "resnet"
        case DenseNetBody():
            return "densenet"
        case VisionTransformerBody():
            return "vit"
        case body if getattr(getattr(body, "entrance", None), "name", "").startswith("VGG"):
            return "vgg"
        case _:
            return None


def _read(file: Path) -> dict[str, Tensor]:
    """The tensors of a file, under the names of today."""
    if not file.is_file():
        raise MissingInput("weights come from a file that exists", got=file.name)
    try:
        given = load_file(file)
    except SafetensorError as error:
        raise BundleError("weights come in a safetensors file", got=f"{file.name}: {error}") from error
    result = {}
    for name, tensor in given.items():
        for pattern, replacement in ((r"^module\.", ""), *_OLDER):
            name = re.sub(pattern, replacement, name)  # noqa: PLW2901 (renamed step by step)
        result[name] = tensor
    return result


def _shaped(tensor: Tensor, like: Tensor, name: str) -> Tensor:
    """The tensor, if its shape fits; a dense layer may be written as a kernel over the whole map (timm's VGG)."""
    if tensor.shape == like.shape:
        return tensor
    if like.ndim == 2 and tensor.ndim > 2 and tensor.flatten(1).shape == like.shape:
        return tensor.flatten(1)
    raise BundleError(
        f"{name} has the shape {tuple(like.shape)}",
        got=str(tuple(tensor.shape)),
        way_out="build the network with the inputs, axes and options that the file was learnt with",
    )


def _few(names: list[str]) -> str:
    """The first names, and how many more."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
