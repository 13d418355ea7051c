"""Service accounts and bearer tokens: key files in Google's format, JWT grants checked for real.

Tokens are signed with a secret of the directory, so that those given out before a restart stay valid.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .errors import NO_CREDENTIALS, UNAUTHENTICATED, ApiError
from .grid import Json

PROJECT = "mmsync-sandbox"
OWNER = "owner@sandbox.example"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_SECONDS = 3600
SKEW_SECONDS = 300
_LONGEST_GRANT = 3600
_PRODUCTION_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address


class TokenError(Exception):
    """A refused grant: the OAuth error code and its description."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code

    def body(self) -> Json:
        return {"error": self.code, "error_description": str(self)}


def write_private(path: Path, data: bytes) -> None:
    """Writes a file that only its owner may read, in one step."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    temporary.replace(path)


class Accounts:
    """The service accounts of one sandbox directory."""

    def __init__(self, directory: Path, clock: Callable[[], float]) -> None:
        self._directory, self._clock = directory, clock
        self._keys: dict[str, rsa.RSAPublicKey] = {}
        self._deleted: set[str] = set()
        self._secret = self._load_secret()
        self.audiences: set[str] = {_PRODUCTION_TOKEN_URI}

    def _load_secret(self) -> bytes:
        path = self._directory / "token.secret"
        if not path.exists():
            write_private(path, os.urandom(32))
        return path.read_bytes()

    def file(self, name: str, token_uri: str) -> Path:
        """The key file of an account, made when it is missing, pointing at that token endpoint."""
        path = self._directory / f"{name}.json"
        info = json.loads(path.read_text()) if path.exists() else new_key_file(name)
        if info.get("token_uri") != token_uri:
            info["token_uri"] = token_uri
            write_private(path, json.dumps(info, indent=2).encode())
        self.audiences.add(token_uri)
        key = serialization.load_pem_private_key(info["private_key"].encode(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"{path}: not an RSA key")
        self._keys[info["client_email"]] = key.public_key()
        return path

    def delete_key(self, email: str, *, deleted: bool = True) -> bool:
        """Gives that account no token any more, or again; those given out go on to work. Whether there is one."""
        if deleted:
            self._deleted.add(email)
        else:
            self._deleted.discard(email)
        return email in self._keys

    # --- giving tokens -----------------------------------------------------------------------------------

    def grant(self, form: dict[str, str]) -> Json:
        """The token endpoint: a signed assertion for a bearer token. Raises TokenError."""
        if form.get("grant_type") != GRANT:
            raise TokenError("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
        claims, email = self._verified(form.get("assertion", ""))
        now = self._clock()
        issued, expires = _time(claims, "iat"), _time(claims, "exp")
        if claims.get("aud") not in self.audiences:
            raise TokenError("invalid_grant", "Invalid JWT: Failed audience check.")
        early, late = issued - SKEW_SECONDS > now, expires + SKEW_SECONDS < now
        if early or late or expires - issued > _LONGEST_GRANT:
            raise TokenError(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                "Check your iat and exp values in the JWT claim.",
            )
        if not claims.get("scope"):
            raise TokenError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        return {
            "access_token": self.token(email),
            "expires_in": TOKEN_SECONDS - 1,
            "token_type": "Bearer",
        }

    def _verified(self, assertion: str) -> tuple[Json, str]:
        try:
            head, body, signature = assertion.split(".")
            header, claims = json.loads(_decoded(head)), json.loads(_decoded(body))
            signed, raw = f"{head}.{body}".encode(), _decoded(signature)
        except (ValueError, binascii.Error) as error:
            raise TokenError("invalid_grant", "Bad Request") from error
        email = str(claims.get("iss", "")) if isinstance(claims, dict) else ""
        key = self._keys.get(email)
        if key is None:
            raise TokenError("invalid_grant", "Invalid grant: account not found")
        if email in self._deleted:  # Google says the same of a key that it does not know and of a wrong signature
            raise TokenError("invalid_grant", "Invalid JWT Signature.")
        if not isinstance(header, dict) or header.get("alg") != "RS256":
            raise TokenError("invalid_grant", "Invalid JWT Signature.")
        try:
            key.verify(raw, signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature as error:
            raise TokenError("invalid_grant", "Invalid JWT Signature.") from error
        return claims, email

    def token(self, email: str, seconds: float = TOKEN_SECONDS) -> str:
        """A bearer token for that address."""
        payload = json.dumps([email, self._clock() + seconds]).encode()
        body = base64.urlsafe_b64encode(payload).decode().rstrip("=")
        return f"ya29.{body}.{self._seal(body)}"

    def _seal(self, body: str) -> str:
        return hmac.new(self._secret, body.encode(), hashlib.sha256).hexdigest()[:40]

    # --- checking them -----------------------------------------------------------------------------------

    def caller(self, authorization: str | None) -> str:
        """The address behind a request. Raises 401."""
        if not authorization:
            raise ApiError(401, NO_CREDENTIALS)
        kind, _, token = authorization.partition(" ")
        parts = token.strip().split(".")
        if kind.lower() != "bearer" or len(parts) != 3 or not hmac.compare_digest(self._seal(parts[1]), parts[2]):
            raise ApiError(401, UNAUTHENTICATED)
        email, expires = json.loads(_decoded(parts[1]))
        if expires < self._clock():
            raise ApiError(401, UNAUTHENTICATED)
        return str(email)


def _time(claims: Json, name: str) -> float:
    value: Any = claims.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new_key_file(name: str) -> Json:
    """A fresh key in the form of Google's service-account files."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    email = f"{name}@{PROJECT}.iam.gserviceaccount.com"
    return {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": hashlib.sha256(pem).hexdigest()[:40],
        "private_key": pem.decode(),
        "client_email": email,
        "client_id": str(int(hashlib.sha256(email.encode()).hexdigest()[:16], 16)),
        "universe_domain": "googleapis.com",
    }
