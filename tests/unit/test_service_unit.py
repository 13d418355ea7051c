"""The unit for one installation, and what keeps the service from running a program."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from moneymentor_sync.core.service_unit import PLACES, closed, exec_word, hidden, how_to_start, unit_for

SYSTEMD = Path(__file__).parents[2] / "systemd"


def test_only_the_program_is_another_one() -> None:
    unit = (SYSTEMD / "mmsync.service").read_text(encoding="utf-8")
    done = unit_for(unit, PurePosixPath("/usr/bin/mmsync"))
    changed = [pair for pair in zip(unit.splitlines(), done.splitlines(), strict=True) if pair[0] != pair[1]]
    assert changed == [
        (
            "ExecStart=/opt/mmsync/bin/mmsync run --config /etc/mmsync/sync.toml",
            "ExecStart=/usr/bin/mmsync run --config /etc/mmsync/sync.toml",
        )
    ]
    with pytest.raises(ValueError, match="0 lines"):
        unit_for("[Service]\n", PurePosixPath("/usr/bin/mmsync"))


@pytest.mark.parametrize("unit", ["/etc/systemd/system/mmsync.service", "/lib/systemd/system/mmsync.service"])
def test_systemctl_is_suggested_where_it_would_find_a_unit(unit: str) -> None:
    assert how_to_start(lambda path: str(path) == unit) == (
        "Start it with `systemctl start mmsync`, or `mmsync run`."
    )
    assert how_to_start(lambda path: False) == "Start it with `mmsync run`."


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/opt/mmsync/bin/mmsync", "/opt/mmsync/bin/mmsync"),
        ("/srv/a b/mmsync", '"/srv/a b/mmsync"'),
        ("/srv/100%/mmsync", "/srv/100%%/mmsync"),
    ],
)
def test_a_path_is_one_word_for_systemd(path: str, word: str) -> None:
    assert exec_word(PurePosixPath(path)) == word


@pytest.mark.parametrize("odd", ['"', "'", "\\", "\n"])
def test_what_systemd_starts_by_no_name_is_refused(odd: str) -> None:
    with pytest.raises(ValueError, match="systemd starts no program"):
        exec_word(PurePosixPath(f"/srv/{odd}/mmsync"))


@pytest.mark.parametrize(
    ("path", "setting"),
    [
        ("/root/.local/share/pipx/venvs/moneymentor-sync/bin/mmsync", "ProtectHome"),
        ("/home/ada/.venv/bin/mmsync", "ProtectHome"),
        ("/tmp/venv/bin/mmsync", "PrivateTmp"),
        ("/opt/mmsync/bin/mmsync", None),
        ("/homes/mmsync", None),
    ],
)
def test_what_the_unit_hides(path: str, setting: str | None) -> None:
    assert hidden(PurePosixPath(path)) == setting
    if setting is not None:
        assert f"\n{setting}=yes\n" in (SYSTEMD / "mmsync.service").read_text(encoding="utf-8")


def test_the_first_that_a_stranger_may_not_enter() -> None:
    way = [(PurePosixPath("/opt"), 0o755), (PurePosixPath("/opt/x"), 0o700), (PurePosixPath("/opt/x/y"), 0o700)]
    assert closed(way) == PurePosixPath("/opt/x")
    assert closed(way[:1]) is None
    assert closed([(PurePosixPath("/opt"), 0o750)]) == PurePosixPath("/opt")  # its group is not the service's
    assert closed([(PurePosixPath("/opt"), 0o701)]) is None


def test_every_file_of_systemd_has_its_place_and_is_in_the_package() -> None:
    import moneymentor_sync

    assert set(PLACES) == {one.name for one in SYSTEMD.iterdir()} - {"README.md"}
    for name in PLACES:
        own = Path(moneymentor_sync.__file__).parent / "systemd" / name
        assert own.read_bytes() == (SYSTEMD / name).read_bytes()
