"""OpenID Connect: another provider says who somebody is (authorization code with PKCE, state and nonce)."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final, final
from urllib.parse import quote, urlencode, urlsplit

import httpx
import jwt

from skiagraph.errors import InvalidInput, MissingInput
from skiagraph.server.people.access import Unknown
from skiagraph.server.people.names import folded_name
from skiagraph.server.people.roles import Role
from skiagraph.server.people.secret import new_secret
from skiagraph.server.settings import OpenId

__all__ = ["Answer", "Identity", "Provider"]

_SIGNED: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
_LEEWAY: Final = 60  # s between two clocks
_FRESH: Final = 3600.0  # s that a description and its keys are believed
_AGAIN: Final = 60.0  # s between two looks for a key that is not among those known
_PAUSE: Final = 5.0  # s after a look that failed
_TIMEOUT: Final = 10.0  # s for an answer of the provider
_LONGEST: Final = 250  # characters
_MOST: Final = 1 << 20  # bytes of an answer
_ROLES: Final[tuple[Role, ...]] = ("admin", "reader", "viewer")  # the first of a person's counts


class ProviderFailed(Unknown):
    """The provider does not answer, or not as OpenID Connect says."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who somebody is, as a provider says.

    Args:
        subject: Never changes, and is nobody else's: issuer and subject.
        name: That it suggests for the account.
        role: Of the account.
    """

    subject: str
    name: str
    role: Role


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """With what a browser comes back from a provider.

    Args:
        secret: That it kept.
        said: What the provider wrote into its URL.
        back: That URL, without what it says.
    """

    secret: str
    said: Mapping[str, str]
    back: str


@final
class Provider:
    """One OpenID Connect provider.

    Args:
        settings: Who it is, and who we are there.

    Raises:
        InvalidInput: It does not speak TLS, and is not on this machine.
        MissingInput: The file of our secret is not there.
    """

    def __init__(self, settings: OpenId) -> None:
        _checked_url(settings.issuer)
        self._settings = settings
        self._secret = _read(settings.client_secret_file)
        self._lock = Lock()
        self._description: Mapping[str, Any] = {}
        self._keys: Mapping[str, Any] = {}
        self._at, self._failed = -_FRESH, -_PAUSE

    def begin(self, back: str) -> tuple[str, str]:
        """The page of the provider to which a browser goes, and a secret that the browser keeps until it is back.

        State, nonce and the verifier of PKCE all derive from that one secret, so nothing is kept here.

        Args:
            back: URL to which the provider sends the browser.

        Raises:
            Unknown: The provider does not answer.
        """
        secret = new_secret()
        challenge = _base64(hashlib.sha256(_part(secret, "verifier").encode()).digest())
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": back,
            "scope": "openid profile email",
            "state": _part(secret, "state"),
            "nonce": _part(secret, "nonce"),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        page = str(self._described()["authorization_endpoint"])
        return f"{page}{'&' if '?' in page else '?'}{urlencode(asked)}", secret

    def finish(self, answer: Answer) -> Identity:
        """Who came back.

        Args:
            answer: With what.

        Raises:
            Unknown: The answer is not one to this browser's question, or the provider does not vouch.
        """
        secret, said = answer.secret, answer.said
        if not secret or not hmac.compare_digest(
            said.get("state", "").encode(), _part(secret, "state").encode()
        ):
            raise Unknown("an answer of the provider belongs to a question of this browser", got="another")
        described = self._described()
        if said.get("iss", described["issuer"]) != described["issuer"] or "code" not in said:
            raise Unknown("the provider vouches for who signs in", got="a refusal")
        form = {
            "grant_type": "authorization_code",
            "code": said["code"],
            "redirect_uri": answer.back,
            "client_id": self._settings.client_id,
            "code_verifier": _part(secret, "verifier"),
        }
        given = self._asked("POST", str(described["token_endpoint"]), form)
        claims = self._claims(str(given.get("id_token", "")))
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), _part(secret, "nonce").encode()):
            raise Unknown("an answer of the provider is given once", got="another one's")
        return self._identity(claims)

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        given = claims.get(self._settings.role_claim, ())
        named = (
            {given}
            if isinstance(given, str)
            else {str(one) for one in given}
            if isinstance(given, list)
            else set()
        )
        role: Role = next((one for one in _ROLES if one in named), "viewer")
        name = folded_name(str(claims.get("preferred_username") or claims.get("email") or ""))
        subject = f"{claims['iss']} {claims['sub']}"
        if len(subject) > _LONGEST:
            raise Unknown(f"issuer and subject have at most {_LONGEST} characters", got="more")
        return Identity(subject=subject, name=name, role=role)

    def _claims(self, token: str) -> Mapping[str, Any]:
        """Of an identity token whose signature, issuer, audience and times hold (OpenID Connect Core 3.1.3.7)."""
        try:
            head = jwt.get_unverified_header(token)
            if head.get("alg") not in _SIGNED:
                raise Unknown("a provider signs with a public key", got="another algorithm")
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key(str(head.get("kid", ""))),
                algorithms=[head["alg"]],
                audience=self._settings.client_id,
                issuer=str(self._described()["issuer"]),
                leeway=_LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise Unknown(
                "what a provider says is signed, for us and for now", got=type(error).__name__
            ) from error
        if claims.get("azp", self._settings.client_id) != self._settings.client_id:
            raise Unknown("what a provider says is for us", got="for another")
        return claims

    def _key(self, named: str) -> jwt.PyJWK:
        keys = self._keys_now()
        if named not in keys and time.monotonic() - self._at > _AGAIN:
            self._at = -_FRESH
            keys = self._keys_now()
        if named in keys:
            found: jwt.PyJWK = keys[named]
            return found
        if not named and len(keys) == 1:
            return next(iter(keys.values()))
        raise Unknown("a provider signs with a key that it publishes", got="another")

    def _keys_now(self) -> Mapping[str, jwt.PyJWK]:
        self._described()
        return self._keys

    def _described(self) -> Mapping[str, Any]:
        """Its description (OpenID Connect Discovery 1.0) and keys, asked for anew each hour."""
        if not self._lock.acquire(timeout=_TIMEOUT):
            raise ProviderFailed("the provider answers", got="no answer", way_out="try again")
        try:
            if time.monotonic() - self._at >= _FRESH:
                self._look()
            return self._description
        finally:
            self._lock.release()

    def _look(self) -> None:
        """One at a time, and after one that failed not at once again: many who wait would hold up the server."""
        now = time.monotonic()
        if now - self._failed < _PAUSE:
            raise ProviderFailed("the provider answers", got="no answer", way_out="try again")
        self._failed = now
        said = self._asked("GET", f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        if said.get("issuer") != self._settings.issuer:
            raise ProviderFailed("a provider describes itself", got="another issuer")
        for one in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _checked_url(str(said.get(one, "")))
        self._keys = _signing(self._asked("GET", str(said["jwks_uri"])).get("keys", ()))
        self._description, self._at, self._failed = said, now, now - _PAUSE

    def _asked(self, method: str, url: str, form: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        headers = {"Accept": "application/json"}
        auth = None
        if form is not None and self._secret:
            auth = (quote(self._settings.client_id, safe=""), quote(self._secret, safe=""))
        try:
            answer = httpx.request(method, url, data=form, headers=headers, auth=auth, timeout=_TIMEOUT)
            answer.raise_for_status()
            said = answer.json() if len(answer.content) <= _MOST else None
        except (httpx.HTTPError, ValueError, OSError) as error:
            raise ProviderFailed(
                "the provider answers", got=type(error).__name__, way_out="try again"
            ) from error
        if not isinstance(said, dict):
            raise ProviderFailed("the provider answers in JSON", got="something else")
        return said


def _signing(keys: Any) -> dict[str, jwt.PyJWK]:
    """Keys that sign, by their names; kinds that we do not know are left out."""
    found = {}
    for one in keys if isinstance(keys, list) else []:
        if (
            isinstance(one, dict)
            and one.get("use", "sig") == "sig"
            and one.get("kty") in ("RSA", "EC", "OKP")
        ):
            try:
                found[str(one.get("kid", ""))] = jwt.PyJWK(one)
            except jwt.PyJWTError:
                continue
    return found


def _read(secret: Path | None) -> str:
    if secret is None:
        return ""
    try:
        return secret.read_text("utf-8").strip()
    except OSError as error:
        raise MissingInput("client_secret_file is a file with our secret", got=secret.name) from error


def _part(secret: str, what: str) -> str:
    """One of the values that derive from a secret."""
    return _base64(hmac.digest(secret.encode(), what.encode(), "sha256"))


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _checked_url(url: str) -> None:
    parts = urlsplit(url)
    here = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if not (parts.hostname and (parts.scheme == "https" or (here and parts.scheme == "http"))):
        raise InvalidInput("an OpenID Connect provider is asked over https", got="another URL")
