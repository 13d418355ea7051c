"""Alerts of a fleet: each member tells of the datasets that it has, and one that is cut off says so itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from moneymentor_sync.sandbox import Sandbox
from tests.databases import PostgresqlServer
from tests.fleet import Fleet, Member
from tests.lines import Line, listening, to_unix
from tests.receiver import Receiver, receiving

LEASE = 2.0


class Told:
    """Two members, each with a webhook of its own; `near` has a line to the fleet's database that can be cut."""

    def __init__(self, held: ExitStack, folder: Path, server: PostgresqlServer) -> None:
        self.box = held.enter_context(Sandbox(folder / "box", quota=None))
        self.fleet = Fleet(folder, self.box, server, spreadsheets=4, lease_seconds=LEASE)
        held.callback(self.fleet.close)
        self.line = Line(listening("127.0.0.1"), to_unix(server.directory / ".s.PGSQL.5432"))
        held.callback(self.line.close)
        shared = make_url(self.fleet.shared.url).difference_update_query(["host", "port"])
        url = shared.set(host="127.0.0.1", port=self.line.port).render_as_string(hide_password=False)
        self.near_hook, self.other_hook = held.enter_context(receiving()), held.enter_context(receiving())
        self.near = self._member("near", self.near_hook, url)
        self.other = self._member("other", self.other_hook, self.fleet.shared.url)
        self.fleet.until_shared_out(self.near, self.other)
        self.fleet.until_in_step()
        self.fleet.until_idle(self.near, self.other)

    def _member(self, name: str, hook: Receiver, url: str) -> Member:
        alerts = f'[alerts]\nwebhook = "{hook.url}/{name}"\nsettle = "1s"\n'
        member = self.fleet.add(name, shared_url=url, more=alerts)
        member.folder.joinpath(".env").write_text("SYNC_HEALTH_CHECK_INTERVAL=1\n")
        member.start()
        return member


@pytest.fixture
def told(tmp_path: Path, postgresql_server: PostgresqlServer) -> Iterator[Told]:
    with ExitStack() as held:
        yield Told(held, tmp_path, postgresql_server)


def about(hook: Receiver, kind: str) -> list[dict[str, Any]]:
    return [item for one in hook.got for item in one.json["items"] if item["kind"] == kind]


def test_each_member_tells_of_its_own_and_one_that_is_cut_off_says_so(told: Told) -> None:
    fleet = told.fleet
    mine = min(number for number, sheet in enumerate(fleet.sheets) if sheet in told.other.owned())
    fleet.database.run(f"DELETE FROM item WHERE sheet = {mine}")
    told.other.client.force([f"d{mine}"])
    told.other_hook.until(lambda got: got, "whoever has the dataset tells of it")
    (refused,) = about(told.other_hook, "guard")
    assert (refused["dataset"], refused["event"]) == (f"d{mine}", "alert")
    assert told.other_hook.got[0].json["instance"].startswith("other (")

    told.line.cut()
    told.near_hook.until(lambda got: got, "it says that it takes no part")
    (apart,) = about(told.near_hook, "health")
    assert "takes no part in its fleet" in apart["title"]
    assert apart["hint"]
    fleet.until(lambda: told.other.owned() == {*fleet.sheets}, "the other has all", patience=LEASE + 15)

    assert told.other_hook.events == ["alert"], "that another is cut off is not told here"
    fleet.database.run(f"INSERT INTO item SELECT {mine}, id, 'back', 1 FROM generate_series(1, 3) AS id")
    assert told.other.client.force([f"d{mine}"], wait=True)["ok"]
    told.other_hook.until(lambda got: len(got) >= 2, "what was refused is over")
    assert told.other_hook.events == ["alert", "recovery"]

    told.line.mend()
    fleet.until(lambda: told.near.cluster().get("connected"), "it is back")
    told.near_hook.until(lambda got: len(got) >= 2, "and says so")
    assert told.near_hook.events == ["alert", "recovery"]
    assert about(told.near_hook, "guard") == [], "what another member has is not told of"
