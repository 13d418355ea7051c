"""Registers every command by importing its module; a module imports its heavy parts when it runs."""

from . import (
    check_command,
    demo_command,
    force_command,
    history_command,
    init_command,
    plan_command,
    reload_command,
    run_command,
    sandbox_command,
    service_command,
    status_command,
    switch_commands,
    sync_command,
    triggers_command,
)

__all__ = [
    "check_command",
    "demo_command",
    "force_command",
    "history_command",
    "init_command",
    "plan_command",
    "reload_command",
    "run_command",
    "sandbox_command",
    "service_command",
    "status_command",
    "switch_commands",
    "sync_command",
    "triggers_command",
]
