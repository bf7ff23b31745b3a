"""What a server is told: one typed file, the environment above it, and the command line above both."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from skiagraph.errors import FormatError, InvalidInput, UnknownName

__all__ = ["Destination", "Dicom", "Limits", "OpenId", "Peer", "Settings", "settings_of"]

FILE: Final = "settings.toml"
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")

Title = Annotated[
    str, Field(min_length=1, max_length=16, pattern=r"^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$")
]
Port = Annotated[int, Field(ge=0, le=65535)]


class _Strict(BaseModel):
    """Frozen, and refuses words that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Peer(_Strict):
    """A DICOM application that may call us, or that we call.

    Args:
        title: Its application entity title.
        host: Name or address.
        port: Where it listens; None for one that only calls.
        tls: Whether we call it over TLS.
        fetch: How studies come from it: it is asked to send them to this node (``"move"``; it must know our title,
            address and port), or they come on the connection that asks (``"get"``).
    """

    title: Title
    host: str
    port: Port | None = None
    tls: bool = False
    fetch: Literal["move", "get"] = "move"


class Dicom(_Strict):
    """The DICOM node.

    Args:
        enabled: Whether it listens.
        title: Our application entity title.
        host: Address to listen on.
        port: 0 takes a free one.
        peers: By name, those that may call us and those that we call.
        any_peer: Whether those not named in `peers` may call too; only on loopback unless said twice.
        receivers: Processes that receive.
        associations: In one of them at once.
        idle_seconds: In which an association must say something.
        certificate: PEM file; with it and `key` the node speaks TLS only.
        key: PEM file.
        authorities: PEM file of those who vouch for peers; with it peers must show a certificate.
    """

    enabled: bool = True
    title: Title = "SKIAGRAPH"
    host: str = "127.0.0.1"
    port: Port = 11112
    peers: dict[str, Peer] = {}
    any_peer: bool = True
    receivers: Annotated[int, Field(ge=1, le=32)] = 2
    associations: Annotated[int, Field(ge=1, le=1000)] = 64
    idle_seconds: Annotated[float, Field(gt=0)] = 60.0
    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None


class Destination(_Strict):
    """Where results go.

    Args:
        peer: Name of a peer of the DICOM node, to which results are sent by C-STORE.
        url: Of a DICOMweb archive, to which they are sent by STOW-RS.
        token_file: File with the bearer token of that archive.
    """

    peer: str | None = None
    url: str | None = None
    token_file: Path | None = None


class Limits(_Strict):
    """Bounds of what one may ask.

    Args:
        upload_bytes: Of one upload.
        upload_files: Files in one upload, in archives within it too.
        body_seconds: For a request to arrive whole.
        session_minutes: Until a session that is not used ends.
        session_hours: Until any session ends.
        attempts: Wrong passwords until an account is locked.
        lock_minutes: How long it stays locked.
        requests_per_minute: Of one address, for signing in.
    """

    upload_bytes: Annotated[int, Field(gt=0)] = 4 << 30
    upload_files: Annotated[int, Field(gt=0)] = 20_000
    body_seconds: Annotated[float, Field(gt=0)] = 300.0
    session_minutes: Annotated[float, Field(gt=0)] = 30.0
    session_hours: Annotated[float, Field(gt=0)] = 12.0
    attempts: Annotated[int, Field(gt=0)] = 5
    lock_minutes: Annotated[float, Field(gt=0)] = 15.0
    requests_per_minute: Annotated[int, Field(gt=0)] = 30


class OpenId(_Strict):
    """Signing in by an OpenID Connect provider.

    Args:
        issuer: URL of the provider.
        client_id: Ours there.
        client_secret_file: File with our secret.
        role_claim: Claim that names the role; who has none of our roles is a viewer.
    """

    issuer: str
    client_id: str
    client_secret_file: Path | None = None
    role_claim: str = "role"


class Settings(BaseSettings):
    """All settings of a server.

    Args:
        home: Folder of the database, the archive and the logs.
        database: URL of SQLAlchemy; empty for a file of SQLite in `home`.
        host: Address to listen on.
        port: 0 takes a free one.
        names: Names under which browsers ask for the server; ``localhost`` and addresses in numbers need no naming.
        certificate: PEM file; with it and `key` the server speaks TLS.
        key: PEM file.
        behind_proxy: A reverse proxy in front speaks TLS; its headers are believed.
        without_tls: Listens beyond loopback without TLS. The second of two words that this takes: the first is `host`.
        quiet_seconds: A study is complete when nothing of it came for so long.
        workers: Studies that are read at once.
        routes: File of the routing rules; None for ``routes.toml`` in `home`.
        destinations: By name.
        encryption_key: File with 32 bytes in hexadecimal; with it the archive is encrypted at rest.
        dicom: The DICOM node.
        limits: Bounds.
        openid: Signing in elsewhere; None for our own passwords alone.
        language: Of drafts.
        log: ``"json"`` a line, or ``"text"`` for people.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="SKIAGRAPH_", env_nested_delimiter="__"
    )

    home: Path
    database: str = ""
    host: str = "127.0.0.1"
    port: Port = 8765
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False
    without_tls: bool = False
    quiet_seconds: Annotated[float, Field(ge=0.0)] = 2.0
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    routes: Path | None = None
    destinations: dict[str, Destination] = {}
    encryption_key: Path | None = None
    dicom: Dicom = Dicom()
    limits: Limits = Limits()
    openid: OpenId | None = None
    language: Literal["en", "zh"] = "en"
    log: Literal["json", "text"] = "json"

    @property
    def database_url(self) -> str:
        """URL of the database."""
        return self.database or f"sqlite:///{self.home / 'skiagraph.sqlite'}"

    @property
    def secure(self) -> bool:
        """Whether browsers reach the server over TLS, so that its cookies may be secure."""
        return self.certificate is not None or self.behind_proxy

    @property
    def routes_file(self) -> Path:
        """The file of the routing rules."""
        return self.routes or self.home / "routes.toml"

    def destination(self, name: str) -> Destination:
        """A destination by its name.

        Raises:
            UnknownName: There is none.
        """
        if name not in self.destinations:
            raise UnknownName(
                "results go to a destination of the settings",
                got=name,
                way_out=f"there are: {', '.join(sorted(self.destinations)) or 'none'}",
            )
        return self.destinations[name]


def settings_of(home: Path, **said: Any) -> Settings:
    """The settings of a server: ``settings.toml`` in its home, the environment above it, and what is said above both.

    Args:
        home: Folder of the server.
        said: Fields that the command line names; None stands for not said.

    Raises:
        FormatError: The file is no TOML.
        InvalidInput: A setting that there is not, out of range, or one that opens the server to a network unsafely.
    """
    file = home / FILE
    written: dict[str, Any] = {}
    if file.is_file():
        try:
            written = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise FormatError(f"{FILE} is TOML", got=str(error)) from error
    named = {name: value for name, value in said.items() if value is not None}

    class Layered(Settings):
        """What was said last goes first: the command line, then the environment, then the file."""

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the signature is pydantic's
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, written)

    try:
        settings = Layered(home=home, **named)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the settings"
        raise InvalidInput(
            f"the setting {where} is one that this release knows, within its range",
            got=str(first["msg"]).lower(),
            way_out="see the page of settings",
        ) from error
    _check_open(settings)
    return settings


def _check_open(settings: Settings) -> None:
    """Nothing but loopback without TLS, unless said twice."""
    if settings.host not in _LOOPBACK and not settings.secure and not settings.without_tls:
        raise InvalidInput(
            "a server that others reach speaks TLS",
            got=f"host {settings.host} without a certificate",
            way_out="name certificate and key, or a proxy that speaks TLS (behind_proxy), or say without_tls too",
        )
    node = settings.dicom
    if node.enabled and node.host not in _LOOPBACK and node.any_peer:
        raise InvalidInput(
            "a DICOM node that others reach names its peers",
            got=f"host {node.host} and any_peer",
            way_out="list the peers and set any_peer = false",
        )
    for pair, name in ((settings, "the server"), (node, "the DICOM node")):
        if (pair.certificate is None) != (pair.key is None):
            raise InvalidInput(f"{name} has a certificate and its key, or neither", got="one of them")
    for name, one in settings.destinations.items():
        if (one.peer is None) == (one.url is None) or (one.peer is not None and one.peer not in node.peers):
            raise InvalidInput(
                "a destination is a peer of the DICOM node, or the URL of an archive",
                got=f"{name}, which is neither",
            )
