"""One member no longer reaches the fleet's database, and hears of nothing: as if what it sends fell into a hole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy.engine import make_url

from moneymentor_sync.core.errors import ControlError
from moneymentor_sync.sandbox import Sandbox
from tests.databases import PostgresqlServer
from tests.fleet import Fleet, Member
from tests.fleet_evidence import Batches, Trap
from tests.lines import HERE, Line, lacking, listening, namespace, to_port, to_unix

LEASE = 2.0
SPREADSHEETS = 8


@dataclass(frozen=True)
class Cut:
    """`near` can be cut off from the fleet's database, `other` cannot; both reach everything else."""

    box: Sandbox
    fleet: Fleet
    near: Member
    other: Member
    cut: Callable[[], None]
    mend: Callable[[], None]


@pytest.fixture(params=["silent line", "pulled cable"])
def pair(request: pytest.FixtureRequest, tmp_path: Path, postgresql_server: PostgresqlServer) -> Iterator[Cut]:
    pulled = request.param == "pulled cable"
    if pulled and (why := lacking()):
        pytest.skip(f"{why}: no cable was pulled")
    with ExitStack() as held:
        box = held.enter_context(Sandbox(tmp_path / "box", quota=None))
        fleet = Fleet(tmp_path, box, postgresql_server, spreadsheets=SPREADSHEETS, lease_seconds=LEASE)
        held.callback(fleet.close)
        enter: tuple[str, ...] = ()
        server = to_unix(postgresql_server.directory / ".s.PGSQL.5432")
        if pulled:
            space = held.enter_context(namespace())
            line = Line(listening(HERE), server)
            port = urlsplit(box.url).port or 0
            held.callback(Line(space.listening("127.0.0.1", port), to_port(port)).close)  # Google is reached still
            host, cut, mend, enter = HERE, space.cut, space.mend, space.enter
        else:
            line = Line(listening("127.0.0.1"), server)
            host, cut, mend = "127.0.0.1", line.cut, line.mend
        held.callback(line.close)
        url = make_url(fleet.shared.url).difference_update_query(["host", "port"]).set(host=host, port=line.port)
        near = fleet.add("near", shared_url=url.render_as_string(hide_password=False))
        other = fleet.add("other")
        near.start(*enter)
        other.start()
        yield Cut(box, fleet, near, other, cut, mend)


def test_it_writes_nothing_and_others_go_on_until_it_is_back(pair: Cut) -> None:
    fleet, near, other = pair.fleet, pair.near, pair.other
    fleet.until_shared_out(near, other)
    fleet.until_in_step()
    batches, epochs = Batches(pair.box), fleet.epochs()
    had = near.owned()
    cut: list[float] = []

    def cut_off() -> None:
        pair.cut()
        cut.append(time.time())

    fleet.edit(*range(SPREADSHEETS), name="cut off")
    trap = Trap(pair.box, "before_write", near, cut_off, nth=2)
    near.client.force()
    fleet.until(lambda: trap.sprung, "it is cut off in the middle of its writes")

    fleet.until(lambda: other.owned() == {*fleet.sheets}, "the other has all", patience=LEASE + 15)
    fleet.until(lambda: near.cluster().get("connected") is False, "it knows that it is cut off")
    assert not near.owned() and near.cluster()["error"]
    fleet.edit(*range(SPREADSHEETS), name="in the dark")
    with pytest.raises(ControlError, match="takes no part"):
        near.client.force()
    other.client.force()
    fleet.until_in_step()
    assert {one.spreadsheet_id for one in batches.of(other)} == {*fleet.sheets}
    written = batches.of(near)
    assert len(written) == 2 < len(had) and written[-1].spreadsheet_id == trap.caught, (
        "what was on its way, at most"
    )
    assert all(one.time < cut[0] + 0.8 * LEASE for one in written)

    pair.mend()
    fleet.until_shared_out(near, other)
    fleet.until(lambda: near.cluster()["connected"], "it is back")
    fleet.edit(*range(SPREADSHEETS), name="in the light")
    assert near.client.force(wait=True)["ok"]
    assert not fleet.differences()
    taken = fleet.epochs()
    assert all(len(batches.turns(sheet)) <= 1 + taken[sheet] - epochs[sheet] for sheet in fleet.sheets)
