"""A database that is not MoneyMentor's: what a newcomer is told of the built-in datasets."""

from __future__ import annotations

import pytest
from tests.databases import WritableDatabase

from moneymentor_sync.adapters.database import DatabaseSource
from moneymentor_sync.core.errors import QueryError
from moneymentor_sync.core.settings import DatabaseSettings, Dataset


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("user_profiles", "`[sync] enable_user_profiles = false`"),
        ("course_statistics", "`[sync] enable_course_stats = false`"),
        ("mine", "Correct the table's name in the dataset"),
    ],
)
def test_a_built_in_dataset_is_told_from_a_wrong_name(name: str, said: str, database: WritableDatabase) -> None:
    database.run("CREATE TABLE other (id integer)")
    dataset = Dataset(name, "A", ("id",), "s", query="SELECT id FROM nowhere")
    with DatabaseSource(DatabaseSettings(database.url)).snapshot() as snapshot, pytest.raises(QueryError) as caught:
        snapshot.probe(dataset)
    assert said in caught.value.hint
