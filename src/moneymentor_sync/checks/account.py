"""The service account and what it may do: what is said of its key, its token, and who may edit."""

from __future__ import annotations

from collections.abc import Sequence

from moneymentor_sync.core.config_builtin import FORMER_TABS

from .facts import KeySeen, Sharing, Spreadsheet
from .result import Check, counted, failed, ok, warning

CREDENTIALS = "credentials"
TOKEN = "token"  # noqa: S105 - the name of a step

_SHOWN = 10
_READABLE_BY_ALL = 0o004


def share_hint(account: str) -> str:
    return f"Share the spreadsheet with {account} as an editor (button “Share”, top right)."


def key_check(name: str, seen: KeySeen) -> Check:
    """A key that can be read; whether Google accepts it is another step."""
    found = f"{seen.account}, from {seen.source}"
    if seen.mode is not None and seen.mode & _READABLE_BY_ALL:
        return warning(
            name,
            f"{found}; every user of this machine may read the key (mode {seen.mode:04o})",
            "Anyone with the key can act as the account: run `chmod 600` on the file.",
        )
    return ok(name, found)


def token_check(name: str) -> Check:
    return ok(name, "the key was accepted, and an access token given")


def spreadsheet_check(name: str, spreadsheet_id: str, found: Spreadsheet, others: Sequence[str] = ()) -> Check:
    """`others` are the titles of tabs that no dataset fills."""
    lines = [f"“{found.title}” with {counted(len(found.tabs), 'tab')} ({spreadsheet_id})"]
    if others:
        more = f" and {len(others) - _SHOWN:,} more" if len(others) > _SHOWN else ""
        lines.append(f"left alone: {', '.join(others[:_SHOWN])}{more}")
    former = [title for title in others if title in FORMER_TABS]
    if former:
        lines.append(f"sync.toml.example has a dataset, switched off, for {', '.join(former)}")
    return ok(name, "\n".join(lines))


def access_check(name: str, account: str, sharing: Sharing) -> Check:
    """Whether our account may edit, as far as Drive tells."""
    people = _people(sharing)
    if sharing.can_edit:
        return ok(name, f"{account} may edit{people}")
    if sharing.can_edit is None:
        return warning(
            name,
            f"Drive does not tell whether {account} may edit: {sharing.reason}",
            f"See that the spreadsheet is shared with {account} as an editor; else the first sync will say so.",
        )
    return failed(name, f"{account} may see the spreadsheet, but not edit it{people}", share_hint(account))


def _people(sharing: Sharing) -> str:
    parts = []
    if sharing.owners:
        parts.append(f"owner: {', '.join(sharing.owners)}")
    if sharing.others:
        parts.append(counted(sharing.others, "other editor"))
    return f" ({'; '.join(parts)})" if parts else ""
