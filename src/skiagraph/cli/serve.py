"""`skiagraph serve`: the server on this machine, for one desk or a department."""

from __future__ import annotations

from typing import Annotated

import typer

from skiagraph.cli.home import HOME, Home, settings_at

__all__ = ["serve"]

Host = Annotated[
    str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]", show_default=False)
]
Web = Annotated[
    int | None, typer.Option("--port", help="Port of the web. [default: 8765]", show_default=False)
]
Dicom = Annotated[
    int | None, typer.Option(help="Port of the DICOM node. [default: 11112]", show_default=False)
]
Workers = Annotated[int | None, typer.Option(help="Studies read at once. [default: 1]", show_default=False)]


def serve(
    *,
    home: Home = HOME,
    host: Host = None,
    port: Web = None,
    dicom_port: Dicom = None,
    workers: Workers = None,
) -> None:
    """Start the server: studies in over DICOM, DICOMweb or upload, findings out.

    All settings stand in settings.toml of its home; what is said here goes before them.

    Example: skiagraph serve --home archive --port 8765
    """
    from skiagraph.optional import optional

    dicom = None if dicom_port is None else {"port": dicom_port}
    settings = settings_at(home, new=True, host=host, port=port, workers=workers, dicom=dicom)
    optional("skiagraph.server.run", package="fastapi", extra="server").serve(settings, typer.echo)
