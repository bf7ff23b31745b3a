"""One association, from its request to its end: objects go into the intake, and only then are answered."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, final

from skiagraph.errors import FormatError, InvalidInput, ProcessLost, WriteFailed
from skiagraph.server.archive.intake import Intake
from skiagraph.server.node import command as words
from skiagraph.server.node.asked import COMMITMENT, kept
from skiagraph.server.node.part10 import file_head
from skiagraph.server.node.pdu import (
    ABORT,
    ASSOCIATE,
    DATA,
    RELEASE,
    RELEASED,
    Offer,
    aborted,
    accepted,
    rejected,
    request_of,
)
from skiagraph.server.node.told import Told
from skiagraph.server.node.walk import Walk
from skiagraph.server.node.wire import Wire

__all__ = ["Association", "stores"]

_ECHO: Final = "1.2.840.10008.1.1"
_DICOM: Final = "1.2.840.10008."
_IMAGES: Final = "1.2.840.10008.5.1.4.1.1."
_STORED: Final = frozenset(
    f"1.2.840.10008.5.1.4.{one}" for one in ("34.7", "34.10", "38.1", "39.1", "43.1", "44.1", "45.1")
)
"""Storage SOP classes that do not stand with the others: plans of delivery, hanging protocols, palettes, implants."""

_NOT_STORED: Final = frozenset(
    f"{_IMAGES}{one}" for one in ("200.4", "200.5", "200.6", *(f"201.{n}" for n in range(2, 7)))
)
"""Queries that stand with the storage SOP classes."""

_UID: Final = re.compile(r"[0-9.]{1,64}")
_GREETING: Final = 30.0  # s for the request of an association
_COMMAND: Final = 64 * 1024
_REQUEST: Final = 1024 * 1024

Say = Callable[[str, Mapping[str, Any]], None]
"""Tells the main process what happened: a word, and facts."""


def stores(abstract: str) -> bool:
    """Whether a SOP class is one of storage; those that are not DICOM's own are taken for it."""
    if not _UID.fullmatch(abstract):
        return False
    images = abstract.startswith(_IMAGES) and abstract not in _NOT_STORED
    return images or abstract in _STORED or not abstract.startswith(_DICOM)


class _Refused(InvalidInput):
    """An object that is not taken, and the status that says so."""

    def __init__(self, status: int, comment: str) -> None:
        super().__init__(comment)
        self.status, self.comment = status, comment

    def __reduce__(self) -> tuple[object, ...]:
        return _Refused, (self.status, self.comment)


class _Released(Exception):
    """The sender is done."""


@final
class Association:
    """Serves one connection.

    Args:
        wire: The connection.
        address: Of the other end.
        told: The settings of this process.
        intake: Takes objects.
        say: Tells the main process.
    """

    def __init__(self, wire: Wire, address: str, told: Told, intake: Intake, say: Say) -> None:
        self._wire, self._address, self._told, self._intake, self._say = wire, address, told, intake, say
        self._title = ""
        self._longest = 0
        self._contexts: dict[int, tuple[str, str]] = {}
        self._rest = memoryview(b"")
        self._came: Counter[str] = Counter()

    def serve(self, *, full: bool = False) -> None:
        """Until it ends, in whichever way.

        Args:
            full: Whether there are too many at once, so that it is told to come back.
        """
        try:
            if self._begun(full=full):
                while True:
                    self._message()
        except _Released:
            self._wire.send(RELEASED)
        except ProcessLost as error:
            self._say("lost", {**self._who(), "sentence": str(error)})
        except FormatError as error:
            self._say("aborted", {**self._who(), "sentence": str(error)})
            self._wire.send(aborted(2))
        finally:
            if self._came:
                self._say("received", {**self._who(), "studies": dict(self._came)})

    def _who(self) -> dict[str, str]:
        return {"title": self._title, "address": self._address}

    def _begun(self, *, full: bool) -> bool:
        kind, body = self._wire.unit(_GREETING)
        if kind != ASSOCIATE:
            raise FormatError("an association begins with its request", got=f"a unit of type {kind}")
        request = request_of(bytes(body))
        self._title, self._longest = request.calling, request.longest
        turned = self._told.turned(request, self._address, full=full)
        if turned is not None:
            self._say("refused", {**self._who(), "called": request.called, "sentence": turned.sentence})
            self._wire.send(rejected(turned))
            return False
        self._wire.send(accepted(request, [self._answered(one) for one in request.offers], COMMITMENT))
        return True

    def _answered(self, offer: Offer) -> tuple[int, int, str]:
        """What is said to a presentation context: the transfer syntax that the sender names first is taken."""
        if not offer.transfers:
            return offer.id, 4, words.SYNTAX
        transfers = offer.transfers
        if offer.abstract in (_ECHO, COMMITMENT):
            transfers = tuple(one for one in transfers if one.startswith(words.SYNTAX))
        elif not stores(offer.abstract):
            return offer.id, 3, offer.transfers[0]
        usable = [one for one in transfers if _UID.fullmatch(one)]
        if not usable:
            return offer.id, 4, words.SYNTAX
        self._contexts[offer.id] = offer.abstract, usable[0]
        return offer.id, 0, usable[0]

    def _message(self) -> None:
        """One command, what belongs to it, and its answer."""
        context, fields = self._command()
        field = words.number(fields, words.FIELD)
        data = iter(()) if words.number(fields, words.KIND) == words.NO_DATA else self._data(context)
        status, comment = 0x0211, "the operation is none of this node's"
        abstract = self._contexts[context][0]
        try:
            if field == words.STORE and stores(abstract):
                status, comment = self._store(context, fields, data)
            elif field == words.ECHO and abstract == _ECHO:
                status, comment = 0, ""
            elif field in (words.N_ACTION, words.N_EVENT) and abstract == COMMITMENT:
                peer = self._told.peer(self._title, self._address)
                status, comment = kept(Path(self._told.home), peer, self._contexts[context][1], fields, data)
        except _Refused as refusal:
            status, comment = refusal.status, refusal.comment
        except WriteFailed:
            status, comment = 0xA700, "the disk is full or failed"
        for _ in data:
            pass  # what nobody wanted
        if status:
            self._say("not taken", {**self._who(), "status": f"{status:04X}", "sentence": comment})
        if field != words.CANCEL:
            self._wire.send(words.pieces(context, words.answer(fields, status, comment), self._longest))

    def _store(
        self, context: int, fields: Mapping[int, bytes], data: Iterator[memoryview]
    ) -> tuple[int, str]:
        abstract, transfer = self._contexts[context]
        instance = words.uid(fields, words.AFFECTED_INSTANCE)
        if words.uid(fields, words.AFFECTED_CLASS) != abstract:
            raise _Refused(0x0122, "the SOP class is not that of the presentation context")
        if not _UID.fullmatch(instance):
            raise _Refused(0x0117, "the SOP instance UID is no UID")
        walk = Walk(transfer)
        self._intake.take(_followed(file_head(abstract, instance, transfer), data, walk, instance))
        self._came[walk.study or ""] += 1
        return 0, ""

    def _command(self) -> tuple[int, dict[int, bytes]]:
        gathered = b""
        while True:
            context, flags, value = self._fragment()
            gathered += value
            if not flags & 1 or len(gathered) > _COMMAND:
                raise FormatError(
                    "a message begins with its command", got="a data set, or too long a command"
                )
            if flags & 2:
                return context, words.command_of(gathered)

    def _data(self, context: int) -> Iterator[memoryview]:
        while True:
            number, flags, value = self._fragment(within=True)
            if number != context or flags & 1:
                raise FormatError(
                    "a data set comes whole, in the context of its command", got="another fragment"
                )
            yield value
            if flags & 2:
                return

    def _fragment(self, *, within: bool = False) -> tuple[int, int, memoryview]:
        """The next fragment of a message: its context, its flags (1 command, 2 last) and its bytes."""
        while not self._rest:
            kind, body = self._wire.unit(self._told.idle)
            if kind == RELEASE and not within:
                raise _Released
            if kind == ABORT:
                raise ProcessLost("a sender goes on until it is done", got="an abort")
            if kind != DATA:
                raise FormatError("an association carries data until it is released", got=f"type {kind}")
            self._rest = body
        rest = self._rest
        length = int.from_bytes(rest[:4], "big")
        if len(rest) < 6 or not 2 <= length <= len(rest) - 4 or rest[4] not in self._contexts:
            raise FormatError("a fragment lies in its unit and in a context that was accepted", got="another")
        self._rest = rest[4 + length :]
        return rest[4], rest[5], rest[6 : 4 + length]


def _followed(
    head: bytes, data: Iterator[memoryview], walk: Walk, instance: str
) -> Iterator[bytes | memoryview]:
    """A file, as it comes in.

    Raises:
        _Refused: It is not whole, or another object than its sender says.
    """
    yield head
    for part in data:
        walk.feed(part)
        yield part
    if walk.instance is not None and walk.instance != instance:
        raise _Refused(0xA900, "the data set is of another SOP instance than its command")
    if walk.cut():
        raise _Refused(0xC000, "the data set ends before its end, or has no UID")
