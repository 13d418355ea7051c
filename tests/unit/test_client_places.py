"""Where a command that only talks to the daemon finds it, for an operator who knows no secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from moneymentor_sync.adapters.environment import load_places
from moneymentor_sync.core.client_places import SYSTEM_SOCKET, SYSTEM_STATE, ClientPlaces, parse_client_places
from moneymentor_sync.core.config_places import Places
from moneymentor_sync.core.errors import ConfigError

WORK = Path("/work")
HOME = {"HOME": "/home/op", "XDG_RUNTIME_DIR": "/run/user/1000"}
OWN_STATE = Path("/home/op/.local/state/mmsync/state.db")
OWN_SOCKET = Path("/run/user/1000/mmsync/control.sock")


def load(cwd: Path, file: Path | None = None, environ: dict[str, str] | None = None) -> ClientPlaces:
    system = cwd / "system" / "sync.toml"
    return load_places(file, environ={**HOME, **(environ or {})}, cwd=cwd, system_file=system)


def problems(cwd: Path, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(cwd, environ=environ)
    return caught.value.problems


def test_the_defaults_need_no_file_and_no_secret(tmp_path: Path) -> None:
    assert load(tmp_path) == ClientPlaces(OWN_STATE, OWN_SOCKET)


def test_file_then_environment_as_for_every_command(tmp_path: Path) -> None:
    (tmp_path / "sync.toml").write_text('[state]\npath = "s.db"\n[control]\nsocket = "c.sock"\n')
    assert load(tmp_path) == ClientPlaces(tmp_path / "s.db", tmp_path / "c.sock")
    (tmp_path / ".env").write_text("MMSYNC_SOCKET=/run/env.sock\n")
    assert load(tmp_path).socket_path == Path("/run/env.sock")
    assert load(tmp_path, environ={"MMSYNC_SOCKET": "/run/real.sock"}).socket_path == Path("/run/real.sock")
    assert load(tmp_path, environ={"MMSYNC_STATE": "~/mine.db"}).state_path == Path("/home/op/mine.db")
    other = tmp_path / "other.toml"
    other.write_text("")
    assert load(tmp_path, other).state_path == OWN_STATE
    assert load(tmp_path, environ={"MMSYNC_CONFIG": str(other)}).state_path == OWN_STATE


def test_what_is_wrong_elsewhere_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "sync.toml").write_text(
        'nonsense = 1\n[database]\nurl = 5\n[sync]\ninterval_seconds = -1\n[control]\nsocket = "c.sock"\nx = 1\n'
    )
    (tmp_path / ".env").write_text("this is no assignment\nMMSYNC_STATE=/s.db\n")
    assert load(tmp_path, environ={"SYNC_MAX_RETRIES": "many"}) == ClientPlaces(Path("/s.db"), tmp_path / "c.sock")


def test_the_two_settings_have_to_be_right(tmp_path: Path) -> None:
    (tmp_path / "sync.toml").write_text("[state]\npath = 7\n[control]\nsocket = ''\n")
    assert problems(tmp_path) == ("state.path: expected a string, not a whole number", "control.socket: is empty")
    (tmp_path / "sync.toml").write_text("state = 1\n")
    assert problems(tmp_path) == ("state: expected a table, [state], not a whole number",)
    (tmp_path / "sync.toml").write_text("")
    assert problems(tmp_path, MMSYNC_SOCKET="/" + "x" * 200)[0].startswith("MMSYNC_SOCKET: is 201 bytes long")
    (tmp_path / "sync.toml").write_text("[state\n")
    assert problems(tmp_path)[0].startswith(f"{tmp_path / 'sync.toml'}: ")


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    assert problems(tmp_path, MMSYNC_CONFIG="none.toml") == (f"{tmp_path / 'none.toml'}: there is no such file",)


def refuse(monkeypatch: pytest.MonkeyPatch, refused: Path) -> None:
    """The file is there, and this user may not read it; also where the tests run as root."""
    read_text = Path.read_text
    access = os.access

    def may(path: Path, mode: int) -> bool:
        return access(path, mode) and not (path == refused and mode == os.R_OK)

    def read(path: Path, encoding: str | None = None) -> str:
        if path == refused:
            raise PermissionError(13, "Permission denied", str(path))
        return read_text(path, encoding=encoding)

    monkeypatch.setattr(Path, "read_text", read)
    monkeypatch.setattr(os, "access", may)


def test_the_systems_file_may_be_the_daemons_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = tmp_path / "system" / "sync.toml"
    refuse(monkeypatch, system)
    found = load(tmp_path)
    assert found.unread == (f"{system}: cannot be read: Permission denied",)
    assert found.socket_path == OWN_SOCKET


def test_ones_own_file_has_to_be_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, tmp_path / "sync.toml")
    assert problems(tmp_path) == (f"{tmp_path / 'sync.toml'}: cannot be read: Permission denied",)


def test_a_dotenv_that_may_not_be_read_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("MMSYNC_SOCKET=/run/env.sock\n")
    refuse(monkeypatch, tmp_path / ".env")
    assert load(tmp_path) == ClientPlaces(
        OWN_STATE, OWN_SOCKET, (f"{tmp_path / '.env'}: cannot be read: Permission denied",)
    )


def test_a_system_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "system").mkdir()
    (tmp_path / "system" / "sync.toml").write_bytes(b"\xff")
    assert problems(tmp_path) == (f"{tmp_path / 'system' / 'sync.toml'}: byte 0 is not UTF-8",)


def test_the_system_service_is_meant_where_only_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {SYSTEM_SOCKET, SYSTEM_STATE}
    monkeypatch.setattr(os.path, "lexists", lambda path: path in there)
    assert load(tmp_path) == ClientPlaces(SYSTEM_STATE, SYSTEM_SOCKET)
    there.add(OWN_SOCKET)
    assert load(tmp_path).socket_path == OWN_SOCKET
    assert load(tmp_path, environ={"MMSYNC_STATE": "/s.db"}).state_path == Path("/s.db")


def test_what_the_environment_names_is_the_only_candidate() -> None:
    places = Places(WORK, Path("/home/op"), Path("/tmp/mmsync-0"))
    units = {"STATE_DIRECTORY": "/var/lib/other", "RUNTIME_DIRECTORY": "/run/other"}
    found = parse_client_places({}, units, file=None, places=places)
    assert found.state == (Path("/var/lib/other/state.db"),)
    assert found.socket == (Path("/run/other/control.sock"),)
    homeless = parse_client_places({}, {}, file=None, places=Places(WORK, None, Path("/tmp/mmsync-0")))
    assert homeless.state == (SYSTEM_STATE,)
    assert homeless.socket == (Path("/tmp/mmsync-0/control.sock"), SYSTEM_SOCKET)


def test_the_processs_own_environment_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSYNC_SOCKET", "/run/own.sock")
    monkeypatch.setenv("MMSYNC_STATE", "/own.db")
    monkeypatch.chdir(tmp_path)
    assert load_places() == ClientPlaces(Path("/own.db"), Path("/run/own.sock"))
