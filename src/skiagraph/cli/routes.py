"""`skiagraph routes`: what the routing rules of a server say of a study, without doing anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skiagraph.cli.home import HOME, Home, settings_at

if TYPE_CHECKING:
    from skiagraph.server.routing import Decision, Described

__all__ = ["routes"]

routes = typer.Typer(name="routes", help="The routing rules of a server.", no_args_is_help=True)

Study = Annotated[
    str, typer.Argument(help="A DICOM file or folder; or the StudyInstanceUID of a study of the server.")
]
Rules = Annotated[Path | None, typer.Option(help="File of rules. [default: that of the server]")]
Json = Annotated[bool, typer.Option("--json", help="Say it as JSON.")]


@routes.command("test")
def tried(study: Study, *, home: Home = HOME, rules: Rules = None, as_json: Json = False) -> None:
    """Say which rules fit a study, which models would read which series, and where results would go.

    Example: skiagraph routes test images/ --rules routes.toml
    """
    from skiagraph.optional import optional

    room = optional("skiagraph.server.routing", package="pydantic", extra="server")
    settings = settings_at(home, new=True)
    every = room.routes_of(settings.routes_file if rules is None else rules)
    described = _of_files(Path(study)) if Path(study).exists() else _of_server(study, home)
    decisions = room.decided(every, described)
    if as_json:
        typer.echo(json.dumps([_plain(one) for one in decisions], indent=1, ensure_ascii=False))
        return
    for one in decisions:
        _say(one, described)
    if not any(one.series and one.route.models for one in decisions):
        typer.echo("No rule has a model for this study: it would be left unread.")


def _of_files(path: Path) -> Described:
    from skiagraph.optional import optional

    found: Described = optional(
        "skiagraph.server.way.dry", package="pydantic", extra="server"
    ).described_files(path)
    return found


def _of_server(uid: str, home: Path) -> Described:
    from skiagraph.optional import optional

    settings = settings_at(home)
    database = optional("skiagraph.server.database", package="sqlalchemy", extra="server").Database(
        settings.database_url
    )
    try:
        with database.reading() as session:
            steps = optional("skiagraph.server.way.steps", package="sqlalchemy", extra="server")
            found: Described = steps.described(session, uid)
    finally:
        database.close()
    return found


def _say(one: Decision, study: Described) -> None:
    route = one.route
    if not one.series:
        typer.echo(f"- {route.name}: does not fit")
        for uid, why in list(one.why.items())[:5]:
            typer.echo(f"    series {uid}: {why}")
        return
    typer.echo(f"+ {route.name}: {len(one.series)} of {len(study.series)} series")
    typer.echo(f"    read by {', '.join(route.models) or 'nothing'}")
    where = ", ".join(route.destinations)
    if not where or route.send == "never":
        typer.echo("    results stay here")
    else:
        when = "with the draft" if route.send == "draft" else "once signed"
        typer.echo(f"    {', '.join(route.results)} go to {where} {when}")
    if route.priors is not None:
        typer.echo(f"    after {route.priors.most} earlier studies came from {route.priors.peer}")


def _plain(one: Decision) -> dict[str, object]:
    return {"route": one.route.model_dump(mode="json"), "series": list(one.series), "why": dict(one.why)}
