"""Database URLs, spreadsheets, API roots and keys: accepted forms, refused ones, and no secret in a message."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from moneymentor_sync.core.config_addresses import (
    api_endpoint,
    client_email,
    credentials_file,
    database_url,
    private_key,
    spreadsheet_id,
)
from moneymentor_sync.core.config_values import InvalidValueError, Raw

ID = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789_-aBcDe"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIE\nabcd==\n-----END PRIVATE KEY-----\n"


def raw(value: object) -> Raw:
    return Raw(value, Path("/srv/app"), Path("/home/op"))


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        ("postgres://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
        ("postgresql://u:p@h:5432/db?sslmode=require", "postgresql+psycopg://u:p@h:5432/db?sslmode=require"),
        ("postgresql+psycopg2://u@h/db", "postgresql+psycopg2://u@h/db"),
        ("postgresql://[::1]:5432/db", "postgresql+psycopg://[::1]:5432/db"),
        ("postgresql:///db?host=/run/postgresql", "postgresql+psycopg:///db?host=/run/postgresql"),
        ("mysql+pymysql://u:p@h/db", "mysql+pymysql://u:p@h/db"),
        ("sqlite:///app.db", "sqlite:////srv/app/app.db"),
        ("sqlite:///data/app.db?timeout=5", "sqlite:////srv/app/data/app.db?timeout=5"),
        ("sqlite:///~/app.db", "sqlite:////home/op/app.db"),
        ("sqlite:////var/app.db", "sqlite:////var/app.db"),
        ("sqlite+pysqlite:///app.db", "sqlite+pysqlite:////srv/app/app.db"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite:///file:a.db?mode=ro&uri=true", "sqlite:///file:a.db?mode=ro&uri=true"),
        (" sqlite:////var/app.db ", "sqlite:////var/app.db"),
        ("sqlite+aiosqlite:///app.db", "sqlite:////srv/app/app.db"),
        ("postgresql+asyncpg://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
        ("postgresql+asyncpg://u:p@h/db?ssl=require", "postgresql+psycopg://u:p@h/db?sslmode=require"),
        (
            "postgresql+asyncpg://u@h/db?ssl=true&prepared_statement_cache_size=0",
            "postgresql+psycopg://u@h/db?sslmode=require",
        ),
        (
            "postgresql+psycopg_async://u@h/db?ssl=1&sslmode=verify-full",
            "postgresql+psycopg://u@h/db?sslmode=verify-full",
        ),
        ("postgresql://u:p@h:6543/db?pgbouncer=true", "postgresql+psycopg://u:p@h:6543/db"),
        (
            "postgres://u:p@h:6543/db?sslmode=require&pgbouncer=true&connection_limit=1&schema=public",
            "postgresql+psycopg://u:p@h:6543/db?sslmode=require",
        ),
        (
            "postgresql://u@h/db?schema=app",
            "postgresql+psycopg://u@h/db?schema=app",
        ),  # means something: libpq says so
        ("postgresql://u@h/db?", "postgresql+psycopg://u@h/db"),
        (
            "postgresql://u@h/db?options=-csearch_path%3Dapp",
            "postgresql+psycopg://u@h/db?options=-csearch_path%3Dapp",
        ),
    ],
)
def test_database_urls(url: str, parsed: str) -> None:
    assert database_url(raw(url)) == parsed
    make_url(parsed)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("app.db", "is not a database URL"),
        ("user:hunter2@host/db", "is not a database URL"),
        ("post gres://u:hunter2@host/db", "is not a database URL"),
        ("postgresql://u:hunter2@host:port/db", "the port in the database URL is not a number"),
        ("postgresql://u:hun@ter2@host/db", "more than one @"),
        ("mysql+aiomysql://u:hunter2@host/db", r"write mysql\+pymysql://"),
    ],
)
def test_a_wrong_database_url_is_refused_and_not_repeated(url: str, message: str) -> None:
    with pytest.raises(InvalidValueError, match=message) as caught:
        database_url(raw(url))
    assert "hunter2" not in str(caught.value)
    assert "ter2" not in str(caught.value)


@given(st.text(alphabet="ab1:/@[]?.+%= ", max_size=30).map(lambda rest: f"postgresql://{rest}"))
def test_what_is_accepted_is_what_sqlalchemy_can_take_apart(url: str) -> None:
    try:
        parsed = database_url(raw(url))
    except InvalidValueError:
        return
    assert make_url(parsed).drivername == "postgresql+psycopg"


@pytest.mark.parametrize(
    "given_as",
    [
        ID,
        f" {ID} ",
        f"https://docs.google.com/spreadsheets/d/{ID}/edit#gid=0",
        f"https://docs.google.com/spreadsheets/d/{ID}/edit?gid=12#gid=12",
        f"https://docs.google.com/spreadsheets/d/{ID}",
        f"https://docs.google.com/spreadsheets/u/1/d/{ID}/edit",
        f"https://docs.google.com/a/example.org/spreadsheets/d/{ID}/edit",
        f"docs.google.com/spreadsheets/d/{ID}/",
    ],
)
def test_a_spreadsheet_by_its_id_or_address(given_as: str) -> None:
    assert spreadsheet_id(raw(given_as)) == ID


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("my sheet", "neither a spreadsheet's id nor its address"),
        ("short", "neither a spreadsheet's id nor its address"),
        (f"https://docs.google.com/document/d/{ID}/edit", "neither a spreadsheet's id nor its address"),
        (f"https://evil.example/spreadsheets/d/{ID}/edit", "neither a spreadsheet's id nor its address"),
        (f"https://docs.google.com/spreadsheets/d/e/2PACX-{ID}/pubhtml", "address of a published copy"),
        ("postgres://u:hunter2@h/d", "neither a spreadsheet's id nor its address"),
    ],
)
def test_what_is_no_spreadsheet(wrong: str, message: str) -> None:
    with pytest.raises(InvalidValueError, match=message) as caught:
        spreadsheet_id(raw(wrong))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.9.9:1/", "http://127.9.9.9:1"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://sheets.example.org", "https://sheets.example.org"),
    ],
)
def test_api_roots(url: str, root: str) -> None:
    assert api_endpoint(raw(url)) == root


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://10.0.0.1:8080", "for this machine only"),
        ("http://localhost.example.org", "for this machine only"),
        ("ftp://127.0.0.1", "is not a root URL"),
        ("127.0.0.1:8080", "is not a root URL"),
        ("https://", "is not a root URL"),
        ("http://[::1", "is not a root URL"),
        ("http://127.0.0.1:port", "is not a root URL"),
        ("http://127.0.0.1 :80", "is not a root URL"),
        ("http://127.0.0.1\t:80", "is not a root URL"),
        ("https://me:hunter2@example.org", "nothing beside"),
        ("https://example.org/v4", "nothing beside"),
        ("https://example.org?key=1", "nothing beside"),
        ("https://example.org#x", "nothing beside"),
    ],
)
def test_what_is_no_api_root(url: str, message: str) -> None:
    with pytest.raises(InvalidValueError, match=message) as caught:
        api_endpoint(raw(url))
    assert "hunter2" not in str(caught.value)


def test_a_key_file_is_a_path() -> None:
    assert credentials_file(raw("key.json")) == Path("/srv/app/key.json")


@pytest.mark.parametrize("wrong", ['{"type": "service_account"}', PEM])
def test_a_key_in_the_place_of_its_path_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(InvalidValueError, match="holds a key") as caught:
        credentials_file(raw(wrong))
    assert "service_account" not in str(caught.value)
    assert "MIIE" not in str(caught.value)


@pytest.mark.parametrize(
    "written", [PEM, PEM.replace("\n", "\\n"), f'"{PEM.strip()}"', PEM.replace("\n", "\\n").strip()]
)
def test_a_private_key_gets_its_line_breaks_back(written: str) -> None:
    assert private_key(written) == PEM


@pytest.mark.parametrize("wrong", ["hunter2", PEM.replace("END", "FIN"), "-----BEGIN PRIVATE KEY-----"])
def test_a_damaged_private_key_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(InvalidValueError, match="is not a key in PEM form") as caught:
        private_key(wrong)
    assert "hunter2" not in str(caught.value)
    assert "MIIE" not in str(caught.value)


def test_a_service_accounts_address() -> None:
    assert client_email(" sync@project.iam.gserviceaccount.com ") == "sync@project.iam.gserviceaccount.com"
    with pytest.raises(InvalidValueError, match="is not the e-mail address"):
        client_email("sync")
