"""The page at which people sign in: HTML without a script, in English or Chinese."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from skiagraph.server.web.guard import site_of, visit_of

__all__ = ["STYLE", "onward_to", "page"]

_HERE: Final = Path(__file__).parent
_WORDS: Final[Mapping[str, Mapping[str, str]]] = json.loads((_HERE / "sign_in.json").read_text("utf-8"))
_PAGE: Final = Environment(
    loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined
).get_template("sign_in.html")

STYLE: Final = (_HERE / "sign_in.css").read_text("utf-8")
"""Its style sheet."""


def page(  # noqa: PLR0913  what stands on the page
    request: Request,
    *,
    said: str = "",
    status: int = 200,
    name: str = "",
    invitation: str = "",
    known: bool = False,
    onward: str = "",
) -> HTMLResponse:
    """The page.

    Args:
        request: Whose language counts: ``?lang=``, then Accept-Language.
        said: Key of a sentence that it says.
        status: Of HTTP.
        name: That stands in its field already.
        invitation: Secret of a link; then it asks for a new password.
        known: Whether that link is for an account that is there.
        onward: Path to which the browser goes on its own.
    """
    lang = _language(request)
    words, visit = _WORDS[lang], visit_of(request)
    text = _PAGE.render(
        words=words,
        lang=lang,
        other="en" if lang == "zh" else "zh",
        said=words.get(said, ""),
        wrong=status >= 400,
        name=name[:64],
        invitation=invitation[:64],
        known=known,
        onward=onward,
        who="" if visit is None else visit.caller.name,
        role="viewer" if visit is None else visit.caller.role,
        elsewhere=site_of(request).people.provider is not None,
    )
    return HTMLResponse(text, status, {"Content-Language": lang, "Vary": "Accept-Language"})


def onward_to(request: Request, path: str) -> RedirectResponse:
    """Sends a browser to another page, in the language that was chosen on this one."""
    said = request.query_params.get("lang", "")
    chosen = f"{'&' if '?' in path else '?'}lang={said}" if said in _WORDS else ""
    return RedirectResponse(path + chosen, 303)


def _language(request: Request) -> str:
    said = request.query_params.get("lang", "")
    if said in _WORDS:
        return said
    wishes = []
    for wish in request.headers.get("accept-language", "").split(",")[:20]:
        tag, _, weight = wish.strip().partition(";q=")
        wishes.append((_weight(weight), tag.partition("-")[0].casefold()))
    return max((wish for wish in wishes if wish[1] in _WORDS), default=(0.0, "en"), key=lambda wish: wish[0])[
        1
    ]


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
