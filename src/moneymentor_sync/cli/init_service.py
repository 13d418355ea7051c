"""`mmsync init` for the system service: secrets in root's own files, the rest for the operators' group."""

from __future__ import annotations

import os
from pathlib import Path

from moneymentor_sync.adapters.environment import CREDENTIALS, SYSTEM_FILE


def is_for_the_service(target: Path) -> bool:
    """Whether a configuration is the one that the unit starts the daemon with."""
    return target == SYSTEM_FILE


def refuse_what_is_not_ready(target: Path, *, force: bool) -> None:
    """MmsyncError where the directory is missing or closed, or has secrets that nobody has said to replace."""
    from moneymentor_sync.core.errors import MmsyncError

    directory = target.parent
    if not directory.is_dir():
        raise MmsyncError(
            f"there is no {directory}",
            hint="Make it and the operators' group first: `systemd-sysusers mmsync.conf && "
            "systemd-tmpfiles --create mmsync.conf`; `mmsync service --help` says where the two files come from.",
        )
    if not os.access(directory, os.W_OK):
        raise MmsyncError(f"{directory} cannot be written", hint="It is root's: run it with sudo.")
    there = [directory / CREDENTIALS[name] for name in ("database_url", "google")]
    found = [str(path) for path in there if path.exists()]
    if found and not force:
        raise MmsyncError(
            f"{' and '.join(found)}: there already; nothing was changed", hint="Overwrite with --force."
        )


def write_secrets(directory: Path, url: str | None, key: str | None) -> None:
    """The database's URL and a copy of the key, for root alone: the unit hands them over as credentials.

    Nothing is replaced before all of it can be read: what is there may be the only copy."""
    from moneymentor_sync.core.errors import MmsyncError

    try:
        secrets = {} if key is None else {CREDENTIALS["google"]: Path(key).read_bytes()}
        if url is not None:
            secrets[CREDENTIALS["database_url"]] = f"{url}\n".encode()
        for name, content in secrets.items():
            _put_closed(directory / name, content)
    except OSError as error:
        raise MmsyncError(
            f"{error.filename or directory}: {error.strerror}", hint="Name a key file that is there."
        ) from error


def open_to_operators(path: Path) -> None:
    """Gives a file to the directory's group, which is the daemon's and its operators'."""
    os.chown(path, -1, path.parent.stat().st_gid)
    path.chmod(0o640)


def _put_closed(path: Path, content: bytes) -> None:
    """In one step, and never where others could read it meanwhile."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
