"""A write whose sender is gone and which Google gets late: once somebody else has looked, it does nothing more."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from moneymentor_sync.core.errors import StoppedError
from moneymentor_sync.sandbox.faults import Fault
from moneymentor_sync.sandbox.messages import Request
from moneymentor_sync.sync import Surroundings
from moneymentor_sync.wiring import open_engine

from .workbench import TAB, Workbench, body

SOME = [(1, "a", 1), (2, "b", 2)]


def arrive(bench: Workbench, late: Request) -> tuple[int, bytes]:
    """Google gets the request now; status and body of the answer that nobody waits for."""
    connection = http.client.HTTPConnection(urlsplit(bench.box.url).netloc)
    try:
        connection.request(late.method, late.target, late.body, dict(late.headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_one_that_is_overtaken_by_a_change_of_mind_is_refused_when_it_comes(bench: Workbench) -> None:
    """The database is again as it was, so that there is nothing to write: the late batch would stand unopposed."""
    bench.people(*SOME)
    bench.sync()
    bench.people(*SOME, (3, "late", 3))
    sent: list[Request] = []
    bench.box.hooks.on_arrival(
        lambda request: sent.append(request) if request.path.endswith(":batchUpdate") else None
    )
    fault = bench.box.faults.add(Fault("reset_before", on="write"))
    assert _killed(bench) == "stopped"
    assert fault.fired == 1
    [late] = sent
    bench.people(*SOME)
    assert bench.sync().result == "unchanged"
    assert len(bench.box.log.of("write")) == 1, "whatever is still on its way is made void"
    status, said = arrive(bench, late)
    assert (status, b"deleteNamedRange" in said) == (400, True)
    assert bench.grid(TAB)[1:] == body(SOME)
    assert bench.sync().result == "unchanged"
    assert not bench.box.log.of("write"), "once is enough"


def _killed(bench: Workbench) -> str:
    """A run that ends, as by a kill, where it would try again."""
    around = Surroundings(bench.clock, bench.clock, _end, bench.chance)
    with open_engine(bench.config, holder="test", surroundings=around) as engine:
        return engine.run(bench.config.datasets).outcome


def _end(_seconds: float) -> None:
    raise StoppedError("it was killed")
