"""What can go wrong, in one tree: each error is one sentence for a tired colleague, and the builtin one expects."""

from __future__ import annotations

__all__ = [
    "BundleError",
    "ContractError",
    "FormatError",
    "FrameMismatch",
    "GeometryError",
    "InvalidInput",
    "MissingInput",
    "MissingPackage",
    "NoDicomHome",
    "NotPermitted",
    "ProcessLost",
    "SkiagraphError",
    "StateError",
    "UnknownName",
    "UnknownSize",
    "WriteFailed",
]


class SkiagraphError(Exception):
    """The root of the tree: the rule, what came, and the way out, joined to one sentence.

    Args:
        rule: What must hold, as the beginning of a sentence.
        got: What came instead. Never patient data: UIDs, shapes, numbers and file names only.
        way_out: What the reader of the message can do.
    """

    def __init__(self, rule: str, *, got: str | None = None, way_out: str | None = None) -> None:
        self.rule, self.got, self.way_out = rule, got, way_out
        parts = [
            rule.rstrip("."),
            *([f"got {got}"] if got else []),
            *([way_out.rstrip(".")] if way_out else []),
        ]
        super().__init__("; ".join(parts) + ".")

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.rule, self.got, self.way_out)


def _rebuild(kind: type[SkiagraphError], rule: str, got: str | None, way_out: str | None) -> SkiagraphError:
    return kind(rule, got=got, way_out=way_out)


class InvalidInput(SkiagraphError, ValueError):
    """A value breaks a rule that it was told."""


class GeometryError(InvalidInput):
    """Places, shapes or axes do not fit together."""


class FrameMismatch(GeometryError):
    """Two things lie in different frames of reference and no `Transform` was given."""


class UnknownSize(GeometryError):
    """A size in millimetres was asked for and the image does not know one."""


class FormatError(InvalidInput):
    """A file is not what it claims to be, is damaged, or holds what cannot be decoded."""


class NoDicomHome(InvalidInput):
    """No standard DICOM object can carry this finding; it is written as JSON instead."""


class MissingInput(SkiagraphError, FileNotFoundError):
    """A file or folder that was named does not exist."""


class NotPermitted(SkiagraphError, PermissionError):
    """The operating system does not allow reading or writing."""


class WriteFailed(SkiagraphError, OSError):
    """A result could not be written; nothing half written was left."""


class ProcessLost(SkiagraphError, ConnectionError):
    """One of several processes that work together has ended before its time."""


class MissingPackage(SkiagraphError, ImportError):
    """An optional package is needed that is not installed."""


class UnknownName(SkiagraphError, LookupError):
    """A model, trainer, metric or reader of this name is not registered."""


class BundleError(InvalidInput):
    """A bundle is damaged, of an unknown version, or its parts contradict each other."""


class StateError(SkiagraphError, RuntimeError):
    """A step that the life of an entity does not allow from where it is now."""


class ContractError(SkiagraphError, TypeError):
    """A model, trainer, metric or reader breaks the contract."""
