"""The tables of a server: what was received, what became of it, who may see it and who did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, Literal

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

__all__ = [
    "AuditRecord",
    "Base",
    "Delivery",
    "Event",
    "Grant",
    "Instance",
    "Invitation",
    "Login",
    "Report",
    "Run",
    "Series",
    "State",
    "Study",
    "Token",
    "User",
]

State = Literal[
    "received", "complete", "prepared", "read", "drafted", "in review", "signed", "delivered", "unread"
]
"""Where a study is on its way. ``"unread"`` is the end of one that no model reads, and says why."""

_NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Utc(TypeDecorator[datetime]):
    """A moment: aware in Python, UTC in the database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To UTC, without its zone.

        Raises:
            TypeError: A moment without a zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("a moment in the database has a time zone; got one without")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Aware, in UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {  # noqa: RUF012  the attribute is SQLAlchemy's
        datetime: Utc,
        dict[str, Any]: JSON,
        list[str]: JSON,
        str: String(255),
    }


_Key = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts rows by INTEGER alone


def _key() -> Mapped[int]:
    return mapped_column(_Key, primary_key=True)


class Study(Base):
    """A study: who and what (DICOM PS3.3 C.7.1.1, C.7.2.1), and where it is on its way.

    Texts are as DICOM holds them; names are searched by their `folded` form. Dates are YYYYMMDD, times HHMMSS.FFFFFF.
    """

    __tablename__ = "studies"

    id: Mapped[int] = _key()
    uid: Mapped[str] = mapped_column(String(64), unique=True)
    patient_id: Mapped[str] = mapped_column(index=True, default="")
    patient_name: Mapped[str] = mapped_column(String(400), default="")
    folded: Mapped[str] = mapped_column(String(400), index=True, default="")
    birth_date: Mapped[str] = mapped_column(String(8), default="")
    sex: Mapped[str] = mapped_column(String(16), default="")
    date: Mapped[str] = mapped_column(String(8), default="")
    time: Mapped[str] = mapped_column(String(16), default="")
    number: Mapped[str] = mapped_column(String(64), default="")
    accession: Mapped[str] = mapped_column(String(64), index=True, default="")
    description: Mapped[str] = mapped_column(default="")
    referring: Mapped[str] = mapped_column(String(400), default="")
    referring_folded: Mapped[str] = mapped_column(String(400), default="")
    institution: Mapped[str] = mapped_column(default="")
    modalities: Mapped[str] = mapped_column(default="")  # \CT\SR\ : each between backslashes
    body_part: Mapped[str] = mapped_column(String(64), default="")
    series_count: Mapped[int] = mapped_column(default=0)
    instance_count: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(16), index=True, default="received")
    reason: Mapped[str] = mapped_column(Text, default="")
    priority: Mapped[int] = mapped_column(default=0)
    restricted: Mapped[bool] = mapped_column(default=False)
    assigned: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    received: Mapped[datetime] = mapped_column(index=True)
    changed: Mapped[datetime] = mapped_column()  # when the last image came
    digest: Mapped[str] = mapped_column(String(64), default="")  # of the images that the last reading saw

    series: Mapped[list[Series]] = relationship(back_populates="study", passive_deletes=True)


class Series(Base):
    """A series (DICOM PS3.3 C.7.3.1)."""

    __tablename__ = "series"

    id: Mapped[int] = _key()
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"))
    uid: Mapped[str] = mapped_column(String(64), unique=True)
    modality: Mapped[str] = mapped_column(String(16), index=True, default="")
    number: Mapped[int | None] = mapped_column()
    description: Mapped[str] = mapped_column(default="")
    body_part: Mapped[str] = mapped_column(String(64), default="")
    date: Mapped[str] = mapped_column(String(8), default="")
    time: Mapped[str] = mapped_column(String(16), default="")
    station: Mapped[str] = mapped_column(default="")
    instance_count: Mapped[int] = mapped_column(default=0)

    study: Mapped[Study] = relationship(back_populates="series")
    instances: Mapped[list[Instance]] = relationship(back_populates="series", passive_deletes=True)


class Instance(Base):
    """A DICOM object; its file lies in the archive under its digest."""

    __tablename__ = "instances"

    id: Mapped[int] = _key()
    series_id: Mapped[int] = mapped_column(ForeignKey("series.id", ondelete="CASCADE"))
    uid: Mapped[str] = mapped_column(String(64), unique=True)
    sop_class: Mapped[str] = mapped_column(String(64))
    transfer_syntax: Mapped[str] = mapped_column(String(64))
    number: Mapped[int | None] = mapped_column()
    rows: Mapped[int | None] = mapped_column()
    columns: Mapped[int | None] = mapped_column()
    frames: Mapped[int | None] = mapped_column()
    digest: Mapped[str] = mapped_column(String(64), index=True)  # SHA-256 of the file
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    pixels_at: Mapped[int | None] = mapped_column(BigInteger)  # where native pixels begin in the file
    ours: Mapped[bool] = mapped_column(default=False)  # a result that we made
    received: Mapped[datetime] = mapped_column()

    series: Mapped[Series] = relationship(back_populates="instances")


class Event(Base):
    """One step on the way of a study, for those who watch; never patient data."""

    __tablename__ = "events"

    id: Mapped[int] = _key()
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column()
    kind: Mapped[str] = mapped_column(String(32))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Run(Base):
    """The trace of one inference: what read what, on which machine, how exactly and how long."""

    __tablename__ = "runs"
    __table_args__ = (UniqueConstraint("study_id", "key"),)

    id: Mapped[int] = _key()
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    key: Mapped[str] = mapped_column(String(64))  # digest of model and inputs
    model: Mapped[str] = mapped_column()
    version: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))  # of the weights
    outcome: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(Text, default="")
    trace: Mapped[dict[str, Any]] = mapped_column(default=dict)
    reading: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True)
    )  # reading.json, where there is one
    at: Mapped[datetime] = mapped_column()


class Report(Base):
    """One version of the report of one study; versions are never changed."""

    __tablename__ = "reports"
    __table_args__ = (UniqueConstraint("identifier", "version"),)

    id: Mapped[int] = _key()
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    identifier: Mapped[str] = mapped_column(String(64), index=True)
    version: Mapped[int] = mapped_column()
    state: Mapped[str] = mapped_column(String(16))
    content: Mapped[dict[str, Any]] = mapped_column()  # reading.json
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    reader: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column()


class Delivery(Base):
    """One result on its way to one destination; each once."""

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("destination", "instance_uid"),)

    id: Mapped[int] = _key()
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    destination: Mapped[str] = mapped_column(String(64))
    instance_uid: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="waiting")  # waiting, sent, committed, failed
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column()


class User(Base):
    """A person who signs in."""

    __tablename__ = "users"

    id: Mapped[int] = _key()
    name: Mapped[str] = mapped_column(String(64), unique=True)
    display: Mapped[str] = mapped_column(default="")
    role: Mapped[str] = mapped_column(String(16))
    password: Mapped[str] = mapped_column(default="")  # argon2 hash; empty where another provider vouches
    subject: Mapped[str | None] = mapped_column(unique=True)  # of OpenID Connect
    disabled: Mapped[bool] = mapped_column(default=False)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column()
    created: Mapped[datetime] = mapped_column()


class Login(Base):
    """A session in a browser; of its secrets only the digests are kept."""

    __tablename__ = "logins"

    id: Mapped[int] = _key()
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    csrf: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(default="")  # what the browser calls itself
    created: Mapped[datetime] = mapped_column()
    seen: Mapped[datetime] = mapped_column()


class Token(Base):
    """What a service shows in place of a password; of the secret only the digest is kept."""

    __tablename__ = "tokens"

    id: Mapped[int] = _key()
    name: Mapped[str] = mapped_column(String(64), unique=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    scopes: Mapped[list[str]] = mapped_column(default=list)
    created: Mapped[datetime] = mapped_column()
    expires: Mapped[datetime | None] = mapped_column()
    revoked: Mapped[bool] = mapped_column(default=False)


class Invitation(Base):
    """A link that makes one account, or gives one a new password, once."""

    __tablename__ = "invitations"

    id: Mapped[int] = _key()
    secret: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    expires: Mapped[datetime] = mapped_column()
    used: Mapped[bool] = mapped_column(default=False)


class Grant(Base):
    """That a person may see a restricted study."""

    __tablename__ = "grants"
    __table_args__ = (UniqueConstraint("study_id", "user_id"),)

    id: Mapped[int] = _key()
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)


class AuditRecord(Base):
    """One link of the audit trail: a DICOM audit message, and the digest that chains it to the one before."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(_Key, primary_key=True, autoincrement=False)  # without a gap, from 1
    at: Mapped[datetime] = mapped_column(index=True)
    event: Mapped[str] = mapped_column(String(64), index=True)
    who: Mapped[str] = mapped_column(index=True, default="")
    study: Mapped[str] = mapped_column(String(64), index=True, default="")
    message: Mapped[str] = mapped_column(Text)
    before: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))


Index("ix_events_study_id_id", Event.study_id, Event.id)
Index("ix_studies_date_time_id", Study.date, Study.time, Study.id)
Index("ix_series_study_id_number_id", Series.study_id, Series.number, Series.id)
Index("ix_instances_series_id_number_id", Instance.series_id, Instance.number, Instance.id)
