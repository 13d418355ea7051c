"""The fleet as a member knows it: the document, and what people are shown of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from moneymentor_sync.cli.cluster_view import cluster_screen
from moneymentor_sync.cli.status_cluster import exit_code
from moneymentor_sync.cli.status_view import status_view
from moneymentor_sync.core.cluster_ports import MemberSeen, ShardSeen
from moneymentor_sync.core.cluster_view import ClusterView, cluster_document
from moneymentor_sync.core.health import Health, in_fleet
from moneymentor_sync.core.sharing import shard_of
from moneymentor_sync.core.status import DatasetSeen, document

from .screens import IDLE, NOW, UP, VIEW, lines

ONE, TWO, THREE = "sheet-one", "sheet-two", "sheet-three"
QUOTA = {
    "accounts": [
        {"account": "a@p", "project": "p", "reads": 54, "writes": 3},
        {"account": "b@p", "project": "p", "reads": 1, "writes": 2},
    ],
    "limits": {"project_reads": 270, "project_writes": 270, "account_reads": 54, "account_writes": 54},
}
VIEW_OF_A = ClusterView(
    fleet="prod",
    name="a",
    lease_seconds=15.0,
    me=1,
    alive={1: frozenset({shard_of(ONE)}), 2: frozenset({shard_of(TWO)})},
    members=(
        MemberSeen(1, "a", 11, "0.1.0", NOW - 60, NOW - 1, "healthy"),
        MemberSeen(2, "b", 22, "0.1.0", NOW - 50, NOW - 2, "degraded"),
        MemberSeen(3, "c", 33, "0.1.0", NOW - 90, NOW - 600, "healthy"),
        MemberSeen(4, "d", 44, "0.1.0", NOW - 9_000, NOW - 7_200, "healthy"),
    ),
    shards={shard_of(ONE): ShardSeen(1, NOW - 30), shard_of(TWO): ShardSeen(3, NOW - 70)},
    now=NOW,
    quota=QUOTA,
)
SHEETS = {ONE: ["x", "y"], TWO: ["z"], THREE: ["w"]}


def test_who_has_what_is_said_by_the_locks_and_since_when_only_of_the_same_owner() -> None:
    found = cluster_document(VIEW_OF_A, SHEETS)["spreadsheets"]
    assert [(one["owner"], one["mine"], one["since"]) for one in found] == [
        ("a", True, "2026-03-14T11:59:30.000Z"),
        ("b", False, None),
        (None, False, None),
    ]


def test_members_that_ended_without_a_word_are_shown_for_an_hour() -> None:
    found = cluster_document(VIEW_OF_A, SHEETS)["members"]
    assert [(one["name"], one["alive"], one["spreadsheets"]) for one in found] == [
        ("a", True, 1),
        ("b", True, 1),
        ("c", False, 0),
    ]


def test_a_member_without_contact_is_degraded_and_one_without_spreadsheets_stands_by() -> None:
    well = Health("healthy", "every dataset is in step with the database")
    assert in_fleet(well, None) == well
    assert in_fleet(well, VIEW_OF_A) == well
    apart = in_fleet(well, replace(VIEW_OF_A, me=None, error="nobody answers"))
    assert (apart.level, "nobody answers" in apart.reason, bool(apart.hint)) == ("degraded", True, True)
    standing_by = in_fleet(well, replace(VIEW_OF_A, alive={1: frozenset(), 2: frozenset({1})}))
    assert (standing_by.level, "stands by" in standing_by.reason) == ("healthy", True)
    worse = Health("unhealthy", "it hangs")
    assert in_fleet(worse, replace(VIEW_OF_A, me=None)) == worse


def test_the_status_has_a_column_for_owners_the_members_and_the_quota() -> None:
    mine = DatasetSeen("x", "X", True, 300, ONE)
    theirs = DatasetSeen("z", "Z", True, 300, TWO)
    found = document(replace(IDLE, datasets=(mine, theirs), cluster=VIEW_OF_A), None, now=NOW, mono=UP)
    assert [(one["owner"], one["owner_since"]) for one in found["datasets"]] == [
        ("a", "2026-03-14T11:59:30.000Z"),
        ("b", None),
    ]
    shown = "\n".join(lines(status_view(found, VIEW, width=110), width=110))
    assert "a since 11:59:30" in shown and "prod: 2 members, 2 spreadsheets" in shown
    assert "a (this one)" in shown and "gone" in shown
    assert "54 of 54" in shown and "project p" in shown and "55 of 270" in shown


def test_without_a_fleet_nothing_of_it_is_shown() -> None:
    found = document(IDLE, None, now=NOW, mono=UP)
    assert found["cluster"] is None and all(one["owner"] is None for one in found["datasets"])
    assert "member" not in "\n".join(lines(status_view(found, VIEW, width=110), width=110))


def told(level: str) -> dict[str, Any]:
    run = {
        "started_at": "2026-03-14T11:58:00Z", "seconds": 0.5, "trigger": "force", "outcome": "failed",
        "datasets": [{"inserted": 1, "updated": 2, "deleted": 0}],
    }  # fmt: skip
    return {
        "health": {"level": level, "reason": "because \x1b[31mred", "hint": "mend it"},
        "statistics": {"total_syncs": 7, "failed_syncs": 2},
        "last_sync_time": "2026-03-14T11:59:00Z",
        "runs": [run],
    }


def test_the_whole_fleet_with_what_each_member_told_of_itself() -> None:
    found = cluster_document(VIEW_OF_A, SHEETS)
    found["members"] = [
        one | {"status": told("warning") if one["name"] == "b" else None} for one in found["members"]
    ]
    shown = "\n".join(lines(cluster_screen(found, VIEW), width=110))
    assert "fleet prod: 2 members, 3 spreadsheets, 1 of them with no member at the moment" in shown
    assert "b: warning, because" in shown and "→ mend it" in shown
    assert "7 syncs, 2 failed; last success 1 min ago" in shown
    assert "11:58:00  failed, 1 dataset, 3 rows changed, 0.5 s" in shown
    assert "x, y" in shown and "nobody" in shown
    assert "\x1b" not in shown, "what others wrote is shown, not obeyed"


def test_the_exit_code_says_whether_every_member_is_well_and_everything_has_one() -> None:
    found = cluster_document(VIEW_OF_A, {ONE: ["x"]})
    assert exit_code(found) == 1, "b is degraded"
    found["members"] = [one for one in found["members"] if one["name"] != "b"]
    assert exit_code(found) == 0, "c is gone, and nothing is without an owner"
    assert exit_code(found | {"spreadsheets": cluster_document(VIEW_OF_A, SHEETS)["spreadsheets"]}) == 1
    assert exit_code(found | {"members": []}) == 1
