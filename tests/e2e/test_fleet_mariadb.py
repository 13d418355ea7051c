"""A fleet that meets in MariaDB: shared out, killed, stopped and going on, as on PostgreSQL."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path

from moneymentor_sync.sandbox import Sandbox
from tests.databases import PostgresqlServer
from tests.fleet import Fleet
from tests.fleet_evidence import Batches, Trap
from tests.mariadb import MariadbServer

SPREADSHEETS = 9


def test_one_is_killed_another_stopped_in_a_write_and_nothing_is_written_by_a_former_owner(
    tmp_path: Path, postgresql_server: PostgresqlServer, mariadb_server: MariadbServer
) -> None:
    with Sandbox(tmp_path / "box", quota=None) as box:
        fleet = Fleet(tmp_path, box, postgresql_server, spreadsheets=SPREADSHEETS, meeting=mariadb_server)
        members = [fleet.add(name) for name in "abc"]
        a, b, c = members
        try:
            for member in members:
                member.start()
            fleet.until_shared_out(*members)
            fleet.until_in_step()
            fleet.until_idle(*members)

            b.kill()
            fleet.until_shared_out(a, c)
            fleet.edit(*range(SPREADSHEETS), name="after the kill")
            a.client.force()
            fleet.until_in_step()
            fleet.until_idle(a, c)

            number = min(fleet.sheets.index(sheet) for sheet in a.owned())
            sheet, batches = fleet.sheets[number], Batches(box)
            fleet.edit(number, name="stale")
            trap = Trap(box, "before_write", a, partial(a.signal, signal.SIGSTOP), sheet=sheet, hold=True)
            a.client.force([f"d{number}"])
            fleet.until(lambda: trap.sprung and a.state == "T", "it is stopped with a write on its way")
            fleet.edit(number, name="fresh")
            fleet.until(lambda: c.owned() == {*fleet.sheets}, "the other takes all over")
            fleet.until_in_step()
            assert batches.turns(sheet) == [c.name]
            trap.let_go()
            fleet.until(
                lambda: any(one.path.startswith(f"/v4/spreadsheets/{sheet}") and one.status == 400
                            for one in box.log.of("write")),
                "Google refuses it for its fence",
            )  # fmt: skip
            joined = len(a.events("cluster.joined"))
            a.signal(signal.SIGCONT)
            fleet.until(lambda: len(a.events("cluster.joined")) > joined, "it joins again")
            b.start()
            fleet.until_shared_out(*members)
            fleet.until_in_step()
            assert batches.turns(sheet)[0] == c.name and a.name not in batches.turns(sheet)[:1]
            assert a.events("cluster.lost")[-1]["spreadsheets"] > 0
            assert not any(one.events("sync.crashed") for one in members)
            shown = c.command("status", "--cluster").stdout
            assert all(sheet in shown for sheet in fleet.sheets)
            assert "3 members running" in c.command("check").stdout
        finally:
            fleet.close()
