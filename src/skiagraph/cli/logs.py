"""The logs of a command: opened before its first training, and ended with the figures of the model."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skiagraph.cli.account import Account
    from skiagraph.cli.course import Course
    from skiagraph.cli.wish import Wish

__all__ = ["check_logs", "end_logs", "with_logs"]


def check_logs(wish: Wish) -> None:
    """Sees to it that what is asked for can be logged.

    Raises:
        UnknownName: No such kind of log.
        MissingPackage: The package of its program is not installed.
    """
    from skiagraph.training.logbook import check_log

    for kind in wish.log or ():
        check_log(kind)


def with_logs(course: Course) -> Course:
    """A course whose first training is logged as its wish asks for.

    Raises:
        WriteFailed: The folder of the logs cannot be made.
    """
    from skiagraph.training.logbook import opened_log

    wish = course.wish
    folder = wish.log_folder or wish.out.with_name("logs")
    kinds = dict.fromkeys(wish.log or ())
    logs = tuple(opened_log(kind, folder, wish.out.name, course.plan) for kind in kinds)
    return dataclasses.replace(course, logs=logs)


def end_logs(course: Course, account: Account) -> None:
    """Ends the logs with the figures at the head of the evaluation, and with what and where the bundle is."""
    figures = {
        f"{judged.name}: {name}" if judged.name else name: judged.figures[name].value
        for judged in (() if account.found is None else account.found.judged)
        for name in judged.headline
    }
    for log in course.logs:
        log.end(figures, {"bundle": str(course.wish.out), "digest": account.digest})
