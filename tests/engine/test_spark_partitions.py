"""What a worker of Spark's makes of the rows it is handed; needs no Spark."""

import pyarrow as pa
import pytest

from rung.engine.files import spark
from rung.engine.histories import ABSENT


def test_nobody_s_rows_are_torn_apart_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "ROWS_AT_ONCE", 4)
    keys = [-5, -5, -1, 2, 2, 2, 2, 2, 2, 7]
    batches = pa.table({"key": keys, "seq": range(10)}).to_batches(max_chunksize=3)
    parts = [part.column("key").to_pylist() for part in spark.people_at_a_time(batches)]
    assert parts == [[-5, -5, -1], [2, 2, 2, 2, 2, 2], [7]]


def test_what_rows_say_is_read_as_it_was_told() -> None:
    said = [
        '{"path":"/","employees":"7",":employees":"number"}',
        None,
        "{}",
        '{"path":"null"}',
        '{"path":"null",":path":"null"}',
    ]
    rows = spark.said_by(pa.table({"said": said}))

    def told(field: str) -> list[object]:
        found = rows.told(field, pa.array([0, 1, 2, 3, 4, -1]).to_numpy())
        return [found.values[code] for code in found.codes.tolist()]

    assert told("path") == ["/", ABSENT, ABSENT, "null", None, ABSENT]
    assert told("employees") == [7, *[ABSENT] * 5]
    assert told("title") == [ABSENT] * 6
