"""Alerts: whether anybody would be told of trouble. Sends nothing; `mmsync alerts test` does."""

from __future__ import annotations

from moneymentor_sync.core.settings import AlertSettings
from moneymentor_sync.wiring.alerts import open_addresses

from .result import Check, ok

ALERTS = "alerts"


def alerts_check(settings: AlertSettings) -> Check:
    """Raises ConfigError where an address can never be told, or what it needs is not installed."""
    if not settings.any:
        return ok(ALERTS, "none configured: nobody is told of trouble (`[alerts]`)")
    found = open_addresses(settings)
    names = [one.name for one in found.told] + ([found.switch.name] if found.switch else [])
    return ok(ALERTS, f"{', '.join(names)}; `mmsync alerts test` tries them")
