"""Whom the daemon tells of trouble, and by what."""

from __future__ import annotations

import socket

from moneymentor_sync.core.alert_ports import Address, Addresses
from moneymentor_sync.core.events import Emit
from moneymentor_sync.core.settings import AlertSettings, Config
from moneymentor_sync.daemon.alert_sender import AlertEdges
from moneymentor_sync.daemon.alerting import Alerting
from moneymentor_sync.sync import Surroundings


def open_addresses(settings: AlertSettings) -> Addresses:
    """Everybody that `[alerts]` names; what that needs is loaded only for those. Raises ConfigError."""
    told: list[Address] = []
    if settings.webhook is not None:
        from moneymentor_sync.adapters.alert_webhook import Webhook

        told.append(Webhook(settings.webhook))
    if settings.urls:
        from moneymentor_sync.adapters.alert_apprise import apprise_addresses

        told += apprise_addresses(settings.urls)
    if settings.ping is None:
        return Addresses(tuple(told))
    from moneymentor_sync.adapters.alert_ping import PingSwitch

    return Addresses(tuple(told), PingSwitch(settings.ping))


def alerting(config: Config, around: Surroundings, emit: Emit) -> Alerting:
    """A daemon's alerts."""
    from moneymentor_sync.adapters.alert_keys import KeyWatch
    from moneymentor_sync.adapters.state_alerts import StateAlerts

    edges = AlertEdges(StateAlerts(config.state_path), open_addresses, KeyWatch(), instance_of(config))
    return Alerting(config, edges, emit, clock=around.clock, monotonic=around.monotonic)


def instance_of(config: Config) -> str:
    """What messages call a daemon: its machine, and before that the name that it was given in a fleet."""
    host = socket.gethostname().partition(".")[0] or "this machine"
    return f"{config.cluster.member} ({host})" if config.cluster.member else host
