"""The levels of networks: what computes at one resolution, from the image to the answer."""

import pytest
import torch

from skiagraph.networks import network
from skiagraph.training.depth import levels_of


def empty(name, **options):
    with torch.device("meta"):
        return network(name, **{"inputs": 1, "outputs": 2, **options})


@pytest.mark.parametrize(
    ("built", "space", "firsts"),
    [
        (
            lambda: empty("resnet-18"),
            (64, 64),
            ["body.conv1", *(f"body.stages.stage{n}.0.conv1" for n in (1, 2, 3, 4)), "head"],
        ),
        (
            lambda: empty("resnet-20", attention="se", base=8),
            (28, 28),
            ["body.conv1", "body.stages.stage2.0.conv1", "body.stages.stage3.0.conv1", "head"],
        ),
        (
            lambda: empty("vgg-11", base=4, hidden=8),
            (32, 32),
            [*(f"body.features.{n}" for n in (0, 3, 6, 11, 16)), "body.classifier.0", "head"],
        ),
        (
            lambda: empty("vit-tiny", size=(16, 16), patch=8),
            (16, 16),
            ["body", *(f"body.blocks.{n}.norm1" for n in range(12)), "head"],
        ),
        (
            lambda: empty("residual-unet", widths=(4, 8, 8)),
            (16, 16),
            ["stem.0", "down.1.first.0", "down.2.first.0", "up.1.first.0", "up.0.first.0", "head"],
        ),
        (
            lambda: empty("unet-3d", ndim=3, base=4, levels=3),
            (8, 8, 8),
            ["down.0.0", "down.1.0", "down.2.0", "wider.1", "wider.0", "head"],
        ),
    ],
    ids=["resnet", "attention", "vgg", "transformer", "picture u-net", "volume u-net"],
)
def test_a_level_is_what_computes_at_one_resolution_in_the_order_of_its_work(built, space, firsts):
    levels = levels_of(built(), (1, 1, *space))
    assert [level[0].rpartition(".")[0] for level in levels] == firsts


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("googlenet", {}),
        ("densenet-121", {"growth": 8}),
        ("malunet", {}),
        ("unet", {"base": 4}),
        ("fcn-8s", {}),
    ],
)
def test_each_parameter_belongs_to_one_level_and_what_answers_to_the_last(name, options):
    built = empty(name, **options)
    levels = levels_of(built, (1, 1, 128, 128))
    assert sorted(n for level in levels for n in level) == sorted(n for n, _ in built.named_parameters())
    answers = {n for n, _ in built.named_parameters() if n.startswith(("head.", "sides.", "scores."))}
    assert answers <= set(levels[-1])
