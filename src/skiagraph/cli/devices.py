"""`--devices` of `skiagraph train`: the same command once a device; the first works as alone, the others follow it."""

from __future__ import annotations

import dataclasses
import logging
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from skiagraph.cli.wish import Wish
    from skiagraph.training import Plan
    from skiagraph.training.spread import Spread
    from skiagraph.training.team import Team

__all__ = ["Devices", "Machines", "Meet", "Split", "carried_out", "evenly"]

Devices = Annotated[
    int,
    typer.Option(min=1, help="Devices of this machine to learn on: graphics processors, or else processes."),
]
Machines = Annotated[int, typer.Option(min=1, help="Machines that learn together, each with this command.")]
Meet = Annotated[
    str, typer.Option(help="HOST:PORT of one of these machines, where all meet.", show_default=False)
]
Split = Annotated[
    bool,
    typer.Option(
        "--split-network", help="Leave a part of the network to each device, where one cannot hold it all."
    ),
]


def carried_out(wish: Wish, devices: int, machines: int, meet: str, *, split: bool) -> None:
    """Learns what was asked for, on as many devices as were asked for.

    Args:
        wish: What was asked for.
        devices: Of this machine.
        machines: That learn together.
        meet: Where they meet.
        split: Leave a part of the network to each device.

    Raises:
        InvalidInput: Devices that are not there, or machines that do not meet.
        ProcessLost: One of the processes was killed.
    """
    from skiagraph.cli.learning import carry_out
    from skiagraph.optional import optional

    if wish.plan_only or (devices == machines == 1 and not (meet or split)):
        carry_out(wish)
        return
    spreading = optional("skiagraph.training.spread", package="torch", extra="train")
    spread = spreading.Spread(devices=devices, machines=machines, meet=meet, split=split)
    if spreading.is_one_of_several():
        _one_of_several(wish, spread)
        return
    code = spreading.run_together(spread, [sys.executable, "-m", "skiagraph", *sys.argv[1:]])
    if code:
        raise typer.Exit(code)


def _one_of_several(wish: Wish, spread: Spread) -> None:
    from skiagraph.cli.learning import carry_out, data_of
    from skiagraph.training.teach import follow
    from skiagraph.training.team import joined

    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)  # which tells of every process
    with joined(spread) as team:
        if team.first:
            carry_out(wish, team=team)
            team.told(None)  # there is no more to learn
        else:
            follow(lambda: data_of(wish)[1], team, wish.samples)


def evenly(plan: Plan, team: Team | None) -> Plan:
    """The plan with a batch that can be shared evenly, and then not smaller."""
    each = 1 if team is None else team.share.size
    if plan.batch % each == 0:
        return plan
    reasons = {**plan.reasons, "batch": f"the same number of samples for each of {each} devices"}
    return dataclasses.replace(plan, batch=-(-plan.batch // each) * each, reasons=reasons)
