"""Writes docs/reference/server-api.md from the description of the server; with --check, says whether it is true."""

import sys
from pathlib import Path

from skiagraph.server.web.app import application_routes
from skiagraph.server.web.description import described

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "server-api.md"
HEAD = """# What the server answers

All routes of `skiagraph serve`, made from its description (`python .ci/server_api.py`). The description
itself, with the shape of everything that is sent and answered, is
OpenAPI 3.1 at `/api/openapi.json`, for whoever is signed in. [A client in
Python](../how-to/use-the-client.md) comes with the package.

- **Who asks.** A service shows its token: `Authorization: Bearer TOKEN`. A browser has a session (`POST
  /api/sign-in`), and shows `csrf` of `GET /api/me` in the header `X-CSRF-Token`
  with all but GET. Each route asks for one permission: `see`, `upload`, `report`, `sign`, `manage`,
  `audit`; *any* means whoever is signed in, *public* anyone.
- **How it says no.** Every refusal is a problem (RFC 9457, `application/problem+json`): `title` is the
  rule, `detail` one sentence with the rule, what came and the way out. 401 nobody
  is signed in, 403 not with these permissions, 404 there is none that the caller sees, 408 too slow, 409
  not now, 413 too much, 422 not as described, 429 too often (`Retry-After`),
  503 no database, 507 no disk. Each answer has a number in `X-Request-Id`, which stands in the log where
  something failed.
"""


def page() -> str:
    """The whole page."""
    found = described(application_routes())
    tags: dict[str, list[str]] = {}
    for path, item in found["paths"].items():
        for method, one in item.items():
            good = ", ".join(status for status in one["responses"] if status < "4")
            row = f"| `{method.upper()} {path}` | {one['x-permission']} | {good} | {one['summary']} |"
            tags.setdefault((one.get("tags") or ["more"])[0], []).append(row)
    parts = [HEAD]
    for tag in sorted(tags):
        head = f"\n## {tag[:1].upper()}{tag[1:]}\n\n| route | permission | answers | |\n|---|---|---|---|\n"
        parts.append(head + "\n".join(tags[tag]) + "\n")
    return "".join(parts)


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text("utf-8") == page() else f"{PAGE.name} is old: python .ci/server_api.py")
    PAGE.write_text(page(), "utf-8")
