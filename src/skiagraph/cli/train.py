"""`skiagraph train`: learns a model from labelled images: classes, values or outlines; and says how good it is."""

from __future__ import annotations

import typer

from skiagraph.cli.devices import Devices, Machines, Meet, Split, carried_out
from skiagraph.cli.train_classical import classical
from skiagraph.cli.wish import Wish, asked

__all__ = ["train"]

train = typer.Typer(
    help="Learn a model from labelled images, and write it as a bundle. Needs skiagraph\\[train].",
    no_args_is_help=True,
)

train.command()(classical)


@train.command()
@asked("classification")
def classification(
    wish: Wish,
    *,
    devices: Devices = 1,
    machines: Machines = 1,
    meet: Meet = "",
    split_network: Split = False,
) -> None:
    """Learn to which class a whole image belongs: two, many, ranked ones, or labels that may hold together.

    The plan follows from the data and this machine, and is printed with its reasons. A run that was cut off goes on
    where it was when the same command is given again.

    Example: skiagraph train classification pneumoniamnist.npz --out my-model --time-budget 5m
    """
    carried_out(wish, devices, machines, meet, split=split_network)


@train.command()
@asked("regression")
def regression(
    wish: Wish,
    *,
    devices: Devices = 1,
    machines: Machines = 1,
    meet: Meet = "",
    split_network: Split = False,
) -> None:
    """Learn a value of a whole image, or several: ages, volumes, fractions; each with its interval.

    Example: skiagraph train regression dataset.csv --out my-model --target age
    """
    carried_out(wish, devices, machines, meet, split=split_network)


@train.command()
@asked("segmentation")
def segmentation(
    wish: Wish,
    *,
    devices: Devices = 1,
    machines: Machines = 1,
    meet: Meet = "",
    split_network: Split = False,
) -> None:
    """Learn to outline structures in pictures or volumes.

    Example: skiagraph train segmentation dataset.csv --out my-model --label 'SCT|69536005|Head'
    """
    carried_out(wish, devices, machines, meet, split=split_network)
