"""Every error a user can cause or meet: what, where, and what to do about it.

The class is the kind (its `code` is stable and goes to JSON and the state file), the message says what and
where, the `hint` says what to do. Nothing here may carry a secret or the value of a database cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:  # it is told of by what raises errors
    from .take_over import TakeOver


_LONGEST_NAME = 80
_MOST_NAMES = 20


def clipped(name: str) -> str:
    """A name in quotes for a message: on one line, whatever is in it, and no longer than a line."""
    return repr(name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…")


def some_names(names: Sequence[str]) -> str:
    """Names for a message; of very many the first, and how many there are besides."""
    more = len(names) - _MOST_NAMES
    return ", ".join(map(clipped, names[:_MOST_NAMES])) + (f" and {more:,} more" if more > 0 else "")


class MmsyncError(Exception):
    """The root. `str(error)` is one line for a person; `hint` is the remedy."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = self.default_hint if hint is None else hint


class UsageError(MmsyncError):
    """The command was called in a way that makes no sense."""

    code = "usage"
    exit_code = 2


class UnknownDatasetError(UsageError):
    """A dataset was named that the configuration does not have."""

    code = "unknown_dataset"


class ConfigError(MmsyncError):
    """The configuration is wrong; carries every problem found, each with its path."""

    code = "config"
    exit_code = 78
    default_hint = "Correct the settings named above and run `mmsync check`."

    def __init__(self, problems: Sequence[str], *, hint: str | None = None) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"the configuration has {count} problem{'' if count == 1 else 's'}"
        super().__init__(f"{head}: " + "; ".join(self.problems), hint=hint)


# --- the database -----------------------------------------------------------------------------------------


class SourceError(MmsyncError):
    """The database could not be read."""

    code = "source"


class DatabaseUnreachableError(SourceError):
    """No connection: wrong host, port, password, file, or the server is down. Concerns every dataset."""

    code = "database_unreachable"


class QueryError(SourceError):
    """One dataset's query failed: a missing table or column, a syntax error, the statement time-out."""

    code = "query"


class DeniedColumnError(QueryError):
    """The query gives, or reads for what it gives, a column that may not leave the database."""

    code = "denied_column"
    default_hint = "Name just the columns that you want: in the query, or beside `table` in `columns`."


class KeyNotUniqueError(SourceError):
    """The query gave NULL or the same value twice in a dataset's key."""

    code = "key_not_unique"

    def __init__(self, message: str, *, hint: str | None = None, offenders: Sequence[str] = ()) -> None:
        super().__init__(message, hint=hint)
        self.offenders = tuple(offenders)  # where they are, never what they are


class UnsupportedValueError(SourceError):
    """The query gave a value that no cell can hold (binary data), or text too long where that is refused."""

    code = "unsupported_value"


# --- the spreadsheet --------------------------------------------------------------------------------------


class DestinationError(MmsyncError):
    """Google refused, or the spreadsheet is not as it must be."""

    code = "destination"


class CredentialsError(DestinationError):
    """The service-account key is missing, malformed, revoked, or the clock is wrong."""

    code = "credentials"


class PermissionDeniedError(DestinationError):
    """The service account may not read or edit the spreadsheet, or the API is disabled in its project."""

    code = "permission_denied"


class SpreadsheetNotFoundError(DestinationError):
    """No such spreadsheet, or it is not shared with the service account (Google does not tell which)."""

    code = "spreadsheet_not_found"


class ProtectedError(DestinationError):
    """A protected range covers cells that the sync must write."""

    code = "protected"


class RequestRefusedError(DestinationError):
    """Google called a request invalid; nothing of it was applied. Carries Google's words in `reason`."""

    code = "request_refused"

    def __init__(self, message: str, *, reason: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class QuotaExhaustedError(DestinationError):
    """Google's quota was used up for longer than a sync may wait. `waited` are the seconds spent on it already."""

    code = "quota"
    default_hint = "Wait a minute; raise `interval_seconds`, or ask for a higher Sheets API quota."

    def __init__(
        self, message: str, *, retry_after: float | None = None, waited: float = 0.0, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        self.waited = waited


class UnavailableError(DestinationError):
    """Google could not be reached or answered 5xx; for a write it is unknown whether it was applied."""

    code = "unavailable"
    default_hint = "Usually passes by itself; see https://www.google.com/appsstatus if it lasts."

    def __init__(self, message: str, *, retry_after: float | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class SecondWriterError(DestinationError):
    """Another writer took the spreadsheet over while this sync was under way."""

    code = "second_writer"
    default_hint = "Let only one installation write to a spreadsheet, or give each its own."


class OvertakenError(DestinationError):
    """The spreadsheet is no longer as it was read, and nothing was written: read and plan again."""

    code = "overtaken"
    default_hint = "Somebody is changing the spreadsheet at this moment; try again."


# --- the guards -------------------------------------------------------------------------------------------


class GuardError(MmsyncError):
    """A sync was refused to protect what is in the tab; nothing was written. `rows` are row numbers in it."""

    code = "guard"

    def __init__(self, message: str, *, hint: str | None = None, rows: Sequence[int] = ()) -> None:
        super().__init__(message, hint=hint)
        self.rows = tuple(rows)


class ShrinkRefusedError(GuardError):
    """The result is empty or would delete more than `max_delete_fraction` of the tab's rows."""

    code = "shrink_refused"
    default_hint = "See what would go with `mmsync plan --force`; if that is right, run `mmsync sync --force`."


class HeaderDamagedError(GuardError):
    """A managed header is missing, twice in the tab, or not in row 1, and cannot be told for certain."""

    code = "header_damaged"


class IdentityChangedError(GuardError):
    """Every row would get another key, by another hash key or a key column that is now hashed or no longer is."""

    code = "identity_changed"
    default_hint = (
        "Take the change back; or give the dataset another `tab`: there its rows are written anew, and the old tab "
        "stays as it is."
    )


class KeyDamagedError(GuardError):
    """A key cell was changed or emptied and its row cannot be told for certain, or the row never had a key.

    `taken_over` tells of all rows without a key, by what would become of them.
    """

    code = "key_damaged"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        rows: Sequence[int] = (),
        taken_over: TakeOver | None = None,
    ) -> None:
        super().__init__(message, hint=hint, rows=rows)
        self.taken_over = taken_over


class UnknownRowsError(GuardError):
    """The tab has rows with keys that are not in the database and that this installation did not write."""

    code = "unknown_rows"


class DuplicateKeyError(GuardError):
    """A key stands in several rows of the tab and none of them is as this installation wrote it."""

    code = "duplicate_key"


class TooManyRowsError(GuardError):
    """The tab has so many rows that are not the database's that they are not even looked at one by one."""

    code = "too_many_rows"
    default_hint = "Delete the rows that somebody put there, or give the dataset another tab."


class CellLimitError(GuardError):
    """The spreadsheet would exceed Google's limit of cells; nothing was written."""

    code = "cell_limit"


class RowTooLargeError(GuardError):
    """A single row is larger than a request to Google may be; no change of it became visible."""

    code = "row_too_large"


# --- this machine -----------------------------------------------------------------------------------------


class LockHeldError(MmsyncError):
    """Another process is working on the spreadsheet."""

    code = "lock_held"
    default_hint = "Wait until it has finished, or stop it."


class ClusterError(MmsyncError):
    """What the members of a cluster share cannot be used: not reached, of another version, behind a pooler."""

    code = "cluster"
    default_hint = "Check `[cluster] url`, and that its PostgreSQL runs; `mmsync check` says more."


class ClusterStateError(ClusterError):
    """What the cluster's database has of one dataset cannot be read. Concerns that one alone."""

    code = "cluster_state"


class StateError(MmsyncError):
    """The state file cannot be used: unreadable, damaged, from a newer version, or the disk is full."""

    code = "state"


class BackupError(MmsyncError):
    """A backup could not be made or read: its directory, the disk, or a tab that is not in it."""

    code = "backup"


class BackupFileError(BackupError):
    """The file is no backup, or damaged, or of a newer version."""

    code = "backup_file"


class BackupFirstError(GuardError):
    """A sync that deletes many rows was refused since the backup that goes before it could not be made."""

    code = "backup_first"
    default_hint = "Mend what kept the backup, or switch them off with `[backup] enabled = false`."


class MetricsFileError(MmsyncError):
    """The file of metrics for node_exporter cannot be written."""

    code = "metrics_file"
    default_hint = (
        "Make the directory of `[metrics] textfile`, writable by the user that mmsync runs as; under systemd allow "
        "it with `ReadWritePaths=` (docs/operating.md, Metrics)."
    )


class SandboxError(MmsyncError):
    """The stand-in of Google cannot start: its port or its directory is taken, or cannot be used."""

    code = "sandbox"


# --- alerts -----------------------------------------------------------------------------------------------


class AlertError(MmsyncError):
    """An alert could not be handed over. Says to which kind of address and which host, never the whole address."""

    code = "alert"
    default_hint = "Check the address in `[alerts]`, and that this machine can reach it: `mmsync alerts test`."


# --- the daemon -------------------------------------------------------------------------------------------


class StoppedError(MmsyncError):
    """A sync was asked to stop, and did so between two batches; nothing is half-written."""

    code = "stopped"
    default_hint = "The next sync makes up for what is left."


class LeaseLostError(StoppedError):
    """This member no longer has the spreadsheet, or cannot prove that it has: it writes nothing more to it."""

    code = "lease_lost"
    default_hint = "Another member goes on with it; `mmsync status --cluster` shows which."


class DaemonRunsError(MmsyncError):
    """Another daemon has the state file or the socket."""

    code = "daemon_runs"
    default_hint = "Ask it with `mmsync status`; to replace it, stop it first."


class NotRunningError(MmsyncError):
    """No daemon listens on the socket."""

    code = "not_running"
    exit_code = 3
    default_hint = "Start it with `mmsync run`."


class ControlError(MmsyncError):
    """The daemon refused a request, or its answer could not be understood. `answered` is the daemon's code."""

    code = "control"

    def __init__(self, message: str, *, answered: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.answered = answered


class ShuttingDownError(MmsyncError):
    """The daemon is stopping and takes nothing on any more."""

    code = "shutting_down"
    default_hint = "Ask again when it has been started again."


class AloneError(MmsyncError):
    """What concerns a fleet was asked of a daemon that is in none."""

    code = "alone"
    default_hint = "Set `[cluster] url`; docs/scaling.md says when that is worth it."


class TooManyHoldersError(MmsyncError):
    """More holders than anybody has processes: one more would change nothing."""

    code = "too_many_holders"
    default_hint = "Give each process one name, and use it again."


class NothingToSyncError(MmsyncError):
    """A sync was asked for without naming a dataset, and every dataset is disabled."""

    code = "nothing_to_sync"
    default_hint = "Name the dataset, or enable it with `mmsync enable DATASET`."
