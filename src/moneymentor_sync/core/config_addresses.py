"""Readers of what points outside: database URL, spreadsheet, API root, the service account's key.

Checks of form only: nothing is opened, resolved or imported, and no message repeats a URL of the database, a
key, or anything else that may carry a secret.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from .config_drivers import ASYNC_POSTGRESQL, NOT_OURS, for_psycopg
from .config_values import InvalidValueError, Raw, kind_of, path, show, text

_DATABASE_EXAMPLE = "postgresql://user:password@host/database or sqlite:///file.db"

# What SQLAlchemy's make_url takes apart (sqlalchemy/engine/url.py, _parse_url).
_DATABASE_URL = re.compile(
    r"""
    (?P<name>[\w+]+)://
    (?:(?P<user>[^:/]*)(?::(?P<password>[^@]*))?@)?
    (?:(?:\[(?P<ipv6>[^/?]+)\]|(?P<host>[^/:?]+))?(?::(?P<port>[^/?]*))?)?
    (?:/(?P<database>[^?]*))?
    (?:\?(?P<query>.*))?
    """,
    re.VERBOSE | re.DOTALL,
)

_ID = r"[A-Za-z0-9_-]{20,200}"
# https://developers.google.com/workspace/sheets/api/guides/concepts: "the value between the /d/ and the /edit".
_SPREADSHEET_URL = re.compile(
    rf"(?:https?://)?docs\.google\.com/(?:a/[^/]+/)?spreadsheets/(?:u/\d+/)?d/(?P<id>{_ID})(?:[/?#].*)?",
    re.ASCII | re.DOTALL,
)


def database_url(raw: Raw) -> str:
    """A SQLAlchemy URL; PostgreSQL's common forms, asyncpg's among them, become psycopg 3, and a relative SQLite
    file an absolute one."""
    url = text(raw).strip()
    match = _DATABASE_URL.fullmatch(url)
    if match is None:
        raise InvalidValueError(f"is not a database URL such as {_DATABASE_EXAMPLE}")
    if match["port"] is not None and not re.fullmatch(r"\d{1,5}", match["port"], re.ASCII):
        raise InvalidValueError("the port in the database URL is not a number")
    if "@" in (match["host"] or ""):
        raise InvalidValueError("the database URL has more than one @; write one in a password as %40")
    backend, _, driver = match["name"].partition("+")
    if driver in NOT_OURS:
        raise InvalidValueError(f"{driver} is an asynchronous driver; write {NOT_OURS[driver]}://")
    if backend in ("postgres", "postgresql") and driver in ("", "psycopg", *ASYNC_POSTGRESQL):
        return _through_psycopg(url, match)
    if match["name"] == "sqlite+aiosqlite":
        return database_url(Raw(f"sqlite{url[len(match['name']) :]}", raw.base, raw.home, raw.is_text))
    if backend == "sqlite":
        return _absolute_sqlite(url, match, raw)
    return url


_CLUSTER_URLS = "postgresql+psycopg://", "mysql+pymysql://", "mariadb+pymysql://"


def cluster_url(raw: Raw) -> str:
    """A URL of PostgreSQL, MariaDB or MySQL, as `database_url` gives it."""
    url = database_url(raw)
    if not url.startswith(_CLUSTER_URLS):
        raise InvalidValueError(
            "is no address of PostgreSQL, such as postgresql://user:password@host/mmsync, nor of MariaDB or MySQL, "
            "as mysql+pymysql://user:password@host/mmsync; without `url` this machine is alone, and needs no server"
        )
    if not url.startswith(_CLUSTER_URLS[0]) and not _DATABASE_URL.fullmatch(url)["database"]:  # type: ignore[index]
        raise InvalidValueError("names no database: write it at the end, as in …@host/mmsync")
    return url


def is_same_database(one: str, other: str) -> bool:
    """Whether two URLs of `database_url`'s lead to one database, whoever asks for it and with whatever options."""
    first, second = _DATABASE_URL.fullmatch(one), _DATABASE_URL.fullmatch(other)
    return first is not None and second is not None and _place(first) == _place(second)


def _place(match: re.Match[str]) -> tuple[str, ...]:
    options = dict(part.split("=", 1) for part in (match["query"] or "").split("&") if "=" in part)
    backend = match["name"].partition("+")[0]
    of_mysql = backend in ("mysql", "mariadb")
    host = match["ipv6"] or match["host"] or options.get("unix_socket" if of_mysql else "host", "")
    port = match["port"] or options.get("port", "3306" if of_mysql else "5432")
    kind = "mysql" if of_mysql else match["name"]
    return kind, host.lower(), port, match["database"] or match["user"] or ""


def _through_psycopg(url: str, match: re.Match[str]) -> str:
    rest = url[len(match["name"]) :]
    if match["query"] is None:
        return f"postgresql+psycopg{rest}"
    query = for_psycopg(match["query"])
    before = rest[: len(rest) - len(match["query"]) - 1]
    return f"postgresql+psycopg{before}{'?' if query else ''}{query}"


def _absolute_sqlite(url: str, match: re.Match[str], raw: Raw) -> str:
    """The same URL with an absolute file: a daemon's working directory is not where its settings were written.

    In-memory databases and `file:` URIs stay as they are.
    """
    file = match["database"]
    if not file or file == ":memory:" or file.startswith("file:"):
        return url
    absolute = path(Raw(file, raw.base, raw.home))
    return f"{url[: match.start('database')]}{absolute}{url[match.end('database') :]}"


def spreadsheet_id(raw: Raw) -> str:
    """The id of a spreadsheet, given as such or as the address that the browser shows."""
    value = text(raw).strip()
    if re.fullmatch(_ID, value, re.ASCII):
        return value
    match = _SPREADSHEET_URL.fullmatch(value)
    if match is not None:
        return match["id"]
    if "/d/e/" in value:
        raise InvalidValueError(
            "is the address of a published copy; open the spreadsheet itself and copy its address"
        )
    raise InvalidValueError(
        f"{show(value)} is neither a spreadsheet's id nor its address, "
        "https://docs.google.com/spreadsheets/d/…/edit"
    )


def api_endpoint(raw: Raw) -> str:
    """`https://host[:port]`, or `http://` to this machine; without a slash at the end."""
    value = text(raw).strip()
    parts = _split(value)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidValueError(f"{show(value)} is not a root URL such as http://127.0.0.1:8080")
    if "@" in parts.netloc or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise InvalidValueError("may have nothing beside the scheme, the host and the port")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise InvalidValueError(f"http:// is for this machine only, not for {show(parts.hostname)}; use https://")
    return f"{parts.scheme}://{parts.netloc}"


def http_url(raw: Raw) -> str:
    """`https://…` with any path and query, or `http://` to this machine; may be secret, so no message has it."""
    value = text(raw).strip()
    parts = _split(value)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidValueError("is not a URL such as https://hooks.example.com/services/…")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise InvalidValueError("http:// is for this machine only; use https://")
    return value


_APPRISE_URL = re.compile(r"[a-z][a-z0-9+.-]{1,31}://\S+", re.ASCII | re.IGNORECASE)


def alert_urls(raw: Raw) -> tuple[str, ...]:
    """URLs of Apprise's (`slack://…`, `mailto://…`); in the environment with blanks or line ends between them."""
    given = text(raw).split() if raw.is_text else raw.value
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        what = kind_of(given) if not isinstance(given, list) else "one of other things"
        raise InvalidValueError(f'expected a list of URLs such as ["mailto://…"], not {what}')
    for number, one in enumerate(given, 1):
        if not _APPRISE_URL.fullmatch(one.strip()):
            raise InvalidValueError(f"number {number} is no URL of Apprise's, such as slack://… or mailto://…")
    return tuple(dict.fromkeys(one.strip() for one in given))


def loopback_address(raw: Raw) -> tuple[str, int]:
    """`host:port` of this machine, as `127.0.0.1:9464` or `[::1]:9464`."""
    value = text(raw).strip()
    parts = _split(f"tcp://{value}")
    if parts is None or not parts.hostname or not parts.port or parts.netloc != value:
        raise InvalidValueError(f"{show(value)} is no address such as 127.0.0.1:9464")
    if not _is_loopback(parts.hostname):
        raise InvalidValueError(f"{show(parts.hostname)} is not this machine, as 127.0.0.1 and ::1 are")
    return parts.hostname, parts.port


def _split(value: str) -> SplitResult | None:
    """The URL's parts, or None for what is none; urlsplit itself drops blanks and checks ports late."""
    if not value.isprintable() or " " in value:
        return None
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def credentials_file(raw: Raw) -> Path:
    """The path of a key file; whether it is there is for those who open it."""
    value = text(raw)
    if value.lstrip().startswith("{") or "PRIVATE KEY" in value:
        raise InvalidValueError("holds a key; put the key into a file and give the path of that")
    return path(raw)


def credentials_files(raw: Raw) -> tuple[Path, ...]:
    """The key files of several service accounts, each named once."""
    if not isinstance(raw.value, list) or not all(isinstance(name, str) for name in raw.value):
        what = kind_of(raw.value) if not isinstance(raw.value, list) else "one of other things"
        raise InvalidValueError(f'expected a list of key files such as ["a.json", "b.json"], not {what}')
    found = tuple(credentials_file(Raw(name, raw.base, raw.home)) for name in raw.value)
    if not found:
        raise InvalidValueError("names no key file")
    if len(set(found)) != len(found):
        raise InvalidValueError("names a key file twice; each is to be of another service account")
    return found


def client_email(value: str) -> str:
    """A service account's address."""
    found = value.strip()
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", found):
        raise InvalidValueError("is not the e-mail address of a service account")
    return found


def private_key(value: str) -> str:
    """A PEM key in which a line break may be written as `\\n`, and which may have kept its quotes."""
    found = value.strip().strip("\"'").replace("\\n", "\n").strip() + "\n"
    if not re.fullmatch(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n.+\n-----END [A-Z ]*PRIVATE KEY-----\n", found, re.DOTALL
    ):
        raise InvalidValueError("is not a key in PEM form, from -----BEGIN PRIVATE KEY----- to -----END …")
    return found


_HASH_KEY_CHARACTERS = 32


def hash_key(raw: Raw) -> bytes:
    """The key of pseudonyms, as text that nobody can guess; its bytes in UTF-8 are the key."""
    value = text(raw).strip()
    if len(value) < _HASH_KEY_CHARACTERS:
        raise InvalidValueError(
            f"has {len(value)} characters; it takes {_HASH_KEY_CHARACTERS} or more (`openssl rand -hex 32`)"
        )
    return value.encode("utf-8", "surrogatepass")
