"""The settings that a program gives to its service: those of `[sync]` that the old in-process sync had."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from moneymentor_sync.adapters.environment import load_sync_settings


@dataclass(frozen=True, init=False)
class SyncConfig:
    """How often and how hard to try. What is not given comes from the environment, as for every command.

    Seconds, and numbers of tries. Raises ConfigError, with all that is wrong, for a value out of its range.
    """

    interval_seconds: float
    max_retries: int
    retry_delay_seconds: float
    max_consecutive_failures: int
    health_check_interval: float
    enable_course_stats: bool
    enable_user_profiles: bool
    given: frozenset[str] = field(init=False, repr=False, compare=False)
    """The settings that were given here: a service leaves the others to its configuration."""

    def __init__(
        self,
        interval_seconds: float | None = None,
        max_retries: int | None = None,
        retry_delay_seconds: float | None = None,
        max_consecutive_failures: int | None = None,
        health_check_interval: float | None = None,
        enable_course_stats: bool | None = None,
        enable_user_profiles: bool | None = None,
    ) -> None:
        here = locals()
        named = [one.name for one in fields(self) if one.name != "given"]
        given = {name: here[name] for name in named if here[name] is not None}
        found = load_sync_settings({f"sync.{name}": value for name, value in given.items()})
        for name in named:
            object.__setattr__(self, name, getattr(found, name))  # as a frozen dataclass does it
        object.__setattr__(self, "given", frozenset(given))

    def overrides(self) -> dict[str, object]:
        """What was given, by setting, as the command line would give it: `{"sync.interval_seconds": 60}`."""
        return {f"sync.{name}": getattr(self, name) for name in sorted(self.given)}
