"""Alerts of a service in somebody else's process: told as a daemon tells them, and nothing of it is left behind."""

from __future__ import annotations

import threading

from tests.integration.embedded_house import House, run
from tests.receiver import receiving


def test_a_service_tells_of_trouble_and_leaves_no_thread(house: House) -> None:
    async def main() -> None:
        settings = {"alerts.webhook": f"{hook.url}/hook", "sync.max_consecutive_failures": 1}
        service = house.service(settings=settings)
        await service.start_background_sync()
        assert (await service.force_sync_now())["ok"]
        house.database.rename(house.folder / "away.db")
        assert not (await service.force_sync_now())["ok"]
        hook.until(lambda got: got, "it is told")
        assert hook.events == ["alert"]
        assert service.get_sync_status()["alerts"]["configured"]
        await service.stop_background_sync()
        assert not {one.name for one in threading.enumerate()} & {"mmsync-alerts", "mmsync", "worker"}
        assert service.get_sync_status()["alerts"] is None

    with receiving() as hook:
        run(main())
