"""Registers every command by importing its module; a module imports its heavy parts when it runs."""

from . import check_command, demo_command, init_command, plan_command, run_command, sandbox_command, sync_command

__all__ = [
    "check_command",
    "demo_command",
    "init_command",
    "plan_command",
    "run_command",
    "sandbox_command",
    "sync_command",
]
