"""Where the configuration is found: files, `.env`, variables, systemd; on real files in a directory of its own."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from moneymentor_sync.adapters.environment import load_config
from moneymentor_sync.core.errors import ConfigError
from moneymentor_sync.core.settings import Config

ID = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789_-aBcDe"
ENOUGH = {
    "HOME": "/home/op",
    "DATABASE_URL": "sqlite:////srv/app.db",
    "GOOGLE_SHEET_ID": ID,
    "GOOGLE_APPLICATION_CREDENTIALS": "/srv/key.json",
}


def load(
    cwd: Path,
    path: Path | None = None,
    environ: dict[str, str] | None = None,
    *,
    overrides: dict[str, object] | None = None,
) -> Config:
    return load_config(
        path,
        environ={**ENOUGH, **(environ or {})},
        cwd=cwd,
        overrides=overrides,
        system_file=cwd / "system" / "sync.toml",
    )


def problems(cwd: Path, path: Path | None = None, environ: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(cwd, path, environ)
    return caught.value.problems


def write(path: Path, retries: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"[sync]\nmax_retries = {retries}\n")
    return path


def test_the_file_is_the_flags_then_the_variables_then_the_directorys_then_the_systems(tmp_path: Path) -> None:
    assert load(tmp_path).file is None
    system = write(tmp_path / "system" / "sync.toml", 1)
    assert (load(tmp_path).file, load(tmp_path).sync.max_retries) == (system, 1)
    here = write(tmp_path / "sync.toml", 2)
    assert (load(tmp_path).file, load(tmp_path).sync.max_retries) == (here, 2)
    variable = write(tmp_path / "variable.toml", 3)
    environ = {"MMSYNC_CONFIG": "variable.toml"}
    config = load(tmp_path, environ=environ)
    assert (config.file, config.sync.max_retries) == (variable, 3)
    flag = write(tmp_path / "flag.toml", 4)
    config = load(tmp_path, Path("flag.toml"), environ)
    assert (config.file, config.sync.max_retries) == (flag, 4)


def test_a_file_in_the_home_directory_may_be_named_with_a_tilde(tmp_path: Path) -> None:
    write(tmp_path / "home.toml", 5)
    config = load(tmp_path / "x", environ={"HOME": str(tmp_path), "MMSYNC_CONFIG": "~/home.toml"})
    assert config.sync.max_retries == 5


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, Path("none.toml"))
    assert caught.value.problems == (f"{tmp_path / 'none.toml'}: there is no such file",)
    assert "mmsync init" in caught.value.hint


def test_a_path_through_a_file_is_no_file(tmp_path: Path) -> None:
    write(tmp_path / "a.toml", 1)
    assert problems(tmp_path, Path("a.toml/b.toml"))[0].endswith("there is no such file")


def test_a_directory_in_the_place_of_the_file_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "sync.toml").mkdir()
    assert problems(tmp_path) == (f"{tmp_path / 'sync.toml'}: cannot be read: Is a directory",)


def test_a_path_that_is_none(tmp_path: Path) -> None:
    assert "is no path" in problems(tmp_path, Path("a\0b"))[0]


def test_a_syntax_error_has_file_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "sync.toml").write_text("[sync]\nmax_retries 3\n")
    (found,) = problems(tmp_path)
    assert found.startswith(f"{tmp_path / 'sync.toml'}: ")
    assert "(at line 2, column 13)" in found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "byte 0 is not UTF-8"),
        (b"a = " + b"[" * 100_000, "is nested too deeply"),
        (b"a = " + b"9" * 5000, "Exceeds the limit"),
    ],
)
def test_what_is_no_toml(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "sync.toml").write_bytes(content)
    (found,) = problems(tmp_path)
    assert message in found


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "sync.toml").write_bytes(b"\xef\xbb\xbf[sync]\nmax_retries = 9\n")
    assert load(tmp_path).sync.max_retries == 9


# --- .env -------------------------------------------------------------------------------------------------


def test_dotenv_beside_the_file_counts_as_environment_and_real_variables_win(tmp_path: Path) -> None:
    file = write(tmp_path / "etc" / "sync.toml", 1)
    (tmp_path / "etc" / ".env").write_text("SYNC_MAX_RETRIES=5\nexport SYNC_RETRY_DELAY_SECONDS='7'\n")
    (tmp_path / ".env").write_text("SYNC_MAX_RETRIES=6\n")
    assert load(tmp_path, file).sync.max_retries == 5
    assert load(tmp_path, file).sync.retry_delay_seconds == 7
    assert load(tmp_path, file, {"SYNC_MAX_RETRIES": "8"}).sync.max_retries == 8
    assert load(tmp_path, file, {"SYNC_MAX_RETRIES": ""}).sync.max_retries == 5


def test_dotenv_of_the_working_directory_where_there_is_no_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SYNC_MAX_RETRIES=6\n")
    assert load(tmp_path).sync.max_retries == 6


def test_dotenv_replaces_names_from_the_given_environment_and_from_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBER", "1")
    (tmp_path / ".env").write_text(
        "ONE=4\nSYNC_MAX_RETRIES=${ONE}${NUMBER}\nSYNC_RETRY_DELAY_SECONDS=${NONE:-9}\nEMPTY\n"
    )
    config = load(tmp_path, environ={"NUMBER": "2"})
    assert (config.sync.max_retries, config.sync.retry_delay_seconds) == (42, 9)


def test_a_malformed_line_of_dotenv_is_named_by_its_number_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n\n\nhunter2 is it\nSYNC_MAX_RETRIES=abc\n'hunter2\n")
    assert problems(tmp_path) == (
        f"{tmp_path / '.env'}: line 4: is not NAME=value",
        f"{tmp_path / '.env'}: line 6: is not NAME=value",
        "SYNC_MAX_RETRIES: 'abc' is not a whole number",
    )


def test_a_malformed_dotenv_alone_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("what is this")
    assert problems(tmp_path) == (f"{tmp_path / '.env'}: line 1: is not NAME=value",)


def test_a_dotenv_that_is_no_text_is_a_problem_beside_the_others(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    found = problems(tmp_path, environ={"SYNC_MAX_RETRIES": "abc"})
    assert found == (
        f"{tmp_path / '.env'}: byte 2 is not UTF-8",
        "SYNC_MAX_RETRIES: 'abc' is not a whole number",
    )


def test_a_directory_named_dotenv_is_none(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert load(tmp_path).sync.max_retries == 3


# --- the machine ------------------------------------------------------------------------------------------


def test_systemds_credential_is_taken_where_the_unit_has_it(tmp_path: Path) -> None:
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": "", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert problems(tmp_path, environ=environ)[0].startswith("google.credentials_file: missing")
    (tmp_path / "google").write_text("{}")
    assert load(tmp_path, environ=environ).google.account.file == tmp_path / "google"


def test_systemds_credential_holds_the_databases_url(tmp_path: Path) -> None:
    environ = {"DATABASE_URL": "", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert problems(tmp_path, environ=environ)[0].startswith("database.url: missing")
    (tmp_path / "database_url").write_text("sqlite:////srv/other.db\n")
    assert load(tmp_path, environ=environ).database.url == "sqlite:////srv/other.db"
    assert load(tmp_path, environ={**environ, **ENOUGH}).database.url == "sqlite:////srv/app.db"


def test_a_blank_credential_stands_for_none(tmp_path: Path) -> None:
    (tmp_path / "google").write_text("\n")
    (tmp_path / "database_url").touch()
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert load(tmp_path, environ=environ).google.account.file == Path("/srv/key.json")
    found = problems(tmp_path, environ={**environ, "DATABASE_URL": ""})
    assert [problem.partition(";")[0] for problem in found] == ["database.url: missing"]


def test_a_credential_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "database_url").write_bytes(b"x\xff")
    assert problems(tmp_path, environ={"CREDENTIALS_DIRECTORY": str(tmp_path)}) == (
        f"{tmp_path / 'database_url'}: byte 1 is not UTF-8",
    )


def test_a_credential_that_cannot_be_looked_at_is_none(tmp_path: Path) -> None:
    # A name too long for the file system fails in the same way as a directory of another user's.
    environ = {"CREDENTIALS_DIRECTORY": "/" + "x" * 5000}
    assert load(tmp_path, environ=environ).google.account.file == Path("/srv/key.json")


def test_the_socket_without_a_runtime_directory_is_the_users_own(tmp_path: Path) -> None:
    assert load(tmp_path).socket_path == Path(f"/tmp/mmsync-{os.getuid()}/control.sock")


def test_the_home_directory_is_the_variables_or_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below_home = Path(".local/state/mmsync/state.db")
    assert load(tmp_path).state_path == Path("/home/op") / below_home
    known = Path(pwd.getpwuid(os.getuid()).pw_dir)
    assert load(tmp_path, environ={"HOME": ""}).state_path == known / below_home
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)  # a user whom the system does not know
    assert problems(tmp_path, environ={"HOME": ""})[0].startswith("state.path: missing")


def test_the_command_line_wins(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        environ={"SYNC_MAX_RETRIES": "1"},
        overrides={"sync.max_retries": 2, "google.credentials_file": "k.json"},
    )
    assert config.sync.max_retries == 2
    assert config.google.account.file == tmp_path / "k.json"


def test_the_processs_own_environment_and_directory_are_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**ENOUGH, "MMSYNC_CONFIG": "named.toml"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    assert load_config(write(tmp_path / "named.toml", 7)).sync.max_retries == 7
    assert load_config().file == tmp_path / "named.toml"


def test_beside_the_systems_file_root_finds_what_the_unit_would_hand_over(tmp_path: Path) -> None:
    system = tmp_path / "system"
    system.mkdir()
    (system / "sync.toml").write_text("")
    (system / "database_url").write_text("sqlite:////srv/theirs.db\n")
    (system / "service-account.json").write_text("{}")
    (system / "hash_key").write_text("\n")  # a blank one is none
    environ = {"DATABASE_URL": "", "GOOGLE_APPLICATION_CREDENTIALS": ""}
    found = load(tmp_path, environ=environ)
    assert found.database.url == "sqlite:////srv/theirs.db"
    assert found.google.account.file == system / "service-account.json"
    assert found.privacy.hash_key is None

    (tmp_path / "own.toml").write_text("")  # another file is not the service's
    assert any("database.url: missing" in one for one in problems(tmp_path, Path("own.toml"), environ))

    given = tmp_path / "given"
    given.mkdir()
    (given / "database_url").write_text("sqlite:////srv/given.db")
    inside = load(tmp_path, environ={"DATABASE_URL": "", "CREDENTIALS_DIRECTORY": str(given)})
    assert inside.database.url == "sqlite:////srv/given.db", "within the unit only what it hands over counts"
