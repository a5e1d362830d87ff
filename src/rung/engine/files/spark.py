"""`--engine spark`: the same kernel where one machine is not enough. Needs the extra `rung[spark]` and Java 17.

Spark reads the segments, lets everybody's company bring them its rows (the join of `colleagues.py`, in Spark's words),
puts each person's rows into one partition in order, and hands partitions to the kernel by `mapInArrow`.
"""

import functools
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from rung.engine import machine
from rung.engine.colleagues import Reached, who_came
from rung.engine.files.deciding_segments import DecidedFolder, moves_table, standings_table
from rung.engine.files.parts import Source, codes_of, whole_of
from rung.engine.files.segments import TEXT, value_told
from rung.engine.histories import CORRECTIONS, KIND_CODES, OF_NOBODY, BadHistory, Codes, Distinct, Ints, Told, distinct
from rung.engine.joining import MOST_COLLEAGUES
from rung.engine.kernel import NONE
from rung.engine.ordering import in_order
from rung.engine.payloads import OF_A_COMPANY, Alike, alike, fields_named, fields_read, fields_told
from rung.engine.program import Program, compile_program
from rung.engine.replay import Prepared
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load

ROWS_AT_ONCE: Final = 200_000
"""Rows after which a partition's people are decided, so that a partition never has to fit into memory."""
ROWS_A_PARTITION: Final = 400_000
"""About how many rows Spark puts into one partition: each costs a task, whose people are made ready by themselves."""
_ROWS_A_BATCH: Final = 50_000
"""Rows that Spark hands to Python in one piece; its default of 10 000 costs it more than the rows do."""
OWN, REACHED, FACTS = range(3)
"""What a row is to its person: theirs, by their company, or what is known of a company that they come to by a row."""
_RESULT: Final = (
    "what string, person string, stage string, status string, lap int, score double, fit double, engagement double, "
    "temperature string, since timestamp_ntz, at timestamp_ntz, `from` string, `to` string, because string, "
    "playbook string"
)
_TOLD: Final = "kind = 'stage_overridden'"
"""What an override says of itself stands in no column; everything else that deciding reads has one."""
_STANDING: Final = ("person", "stage", "status", "lap", "score", "fit", "engagement", "temperature", "since")
_MOVE: Final = ("person", "at", "from", "to", "because", "score", "fit", "engagement", "playbook")


def decide_on_spark(
    folder: Path, *, playbook: Playbook, until: int | None, out: Path, spark: Any = None
) -> DecidedFolder:
    """Decides everybody and writes `out/standings` and `out/moves` as Parquet. Raises BadHistory, NoSpark.

    `spark`: a session to use; without it one is started on all cores of this machine, or as spark-submit says.
    """
    program = compile_program(playbook)
    source = Source(folder, fields=sorted(fields_named([program])))
    end = source.last_at if until is None else until
    running = spark or session()
    rows = rows_of(running, source, program, end)
    decided = rows.mapInArrow(functools.partial(decide_partition, playbook.text, end), _RESULT).persist()
    result = DecidedFolder(playbook.name, playbook.version, end, source.rows)
    try:
        decided.where("what = 's'").select(*_STANDING).write.mode("overwrite").parquet(str(out / "standings"))
        decided.where("what = 'm'").select(*_MOVE).write.mode("overwrite").parquet(str(out / "moves"))
        for each in decided.groupBy("what", "stage", "status").count().collect():
            if each["what"] == "m":
                result.moves += each["count"]
            else:
                result.people += each["count"]
                result.rungs[each["stage"] if each["status"] == "active" else each["status"]] += each["count"]
    finally:
        decided.unpersist()
        if spark is None:
            running.stop()
    result.rungs = Counter(dict(result.rungs))
    result.files = [str(out / name) for name in ("standings", "moves")]
    return result


class NoSpark(Exception):
    """Spark is not installed here; the text says how it is."""


def session() -> Any:
    """A session on all cores of this machine, or as spark-submit says. Raises NoSpark."""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise NoSpark("Spark is not installed: pip install 'rung[spark]'; it needs Java 17.") from None
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # where this rung is installed
    builder = SparkSession.builder.appName("rung").config("spark.ui.enabled", "false")
    return builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()


# --- in Spark's words


def rows_of(spark: Any, source: Source, program: Program, until: int, *, told: str = _TOLD) -> Any:
    """Everybody's rows, each person's in one partition and beside each other, in order of `key`.

    Columns: `key`, `origin` (OWN, REACHED or FACTS), `person`, `at`, `seq`, `kind`, `said` (fields that the program
    names, as JSON); of own rows also `company`, `has_by`, and `data` of those for which `told` holds in Spark's words.

    The whole history is shuffled once. What people's companies bring them is found among the rows that name a company.
    """
    from pyspark.sql import functions as f

    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", _ROWS_A_BATCH)
    history = events(spark, source, until).withColumn("said", _as_json(_said(source, source.fields)))
    own = history.where("person IS NOT NULL")
    whole = own.select(
        f.lit(OWN).alias("origin"), *_OF_ANY_ROW, "company", "has_by", f.expr(f"CASE WHEN {told} THEN data END AS data")
    )
    for more in _by_company(source, program, history, own):
        whole = whole.unionByName(more, allowMissingColumns=True)
    partitions = max(spark.sparkContext.defaultParallelism, source.rows // ROWS_A_PARTITION)
    # A number is sorted in a fraction of the time that texts take which all begin alike.
    return whole.withColumn("key", f.xxhash64("person")).repartition(partitions, "person").sortWithinPartitions("key")


_OF_ANY_ROW: Final = ("person", "at", "seq", "kind", "said")


def _said(source: Source, fields: Iterable[str]) -> dict[str, Any]:
    """By name the columns that say what a row tells in the fields: the value, and under `:` and the name its type where
    that is not text."""
    from pyspark.sql import functions as f

    found = {}
    for field in fields:
        for name, column in zip((field, f":{field}"), source.columns_of(field), strict=False):
            found[name] = f.col(column) if name == field else f.when(f.col(column) != TEXT, f.col(column))
    return found


def _as_json(columns: Mapping[str, Any]) -> Any:
    """One column in place of many that are nearly all null: each of them would be shuffled and handed on row by row."""
    from pyspark.sql import functions as f

    return f.to_json(f.struct(*(column.alias(name) for name, column in columns.items()))) if columns else f.lit("{}")


def events(spark: Any, source: Source, until: int) -> Any:
    """The events that count, under the keys of those who live on."""
    from pyspark.sql import functions as f

    lacking = {field for stretch in source.manifest.stretches for field in source.fields if field not in stretch.fields}
    if lacking:
        raise BadHistory(
            f"{source.folder} was written before a playbook named {', '.join(sorted(lacking))}: "
            "let the worker write it anew, or export it again; or leave --engine spark out."
        )
    paths = [str(source.folder / place) for stretch in source.manifest.stretches for place, _ in stretch.files.values()]
    told = [f"`{name}`" for field in source.fields for name in source.columns_of(field)]
    events = spark.read.parquet(*paths).selectExpr(
        "seq", "person", "company", "kind", "id", "source", "data", "`by` IS NOT NULL AS has_by",
        'unix_micros(CAST(`at` AS TIMESTAMP)) AS at', *told,
    )  # fmt: skip
    corrected = source.corrected
    events = events.where(f.col("kind").isin(sorted(KIND_CODES.keys() - CORRECTIONS))).where(f.col("at") <= until)
    for name, gone in (
        ("seq", corrected.seqs),
        ("id", corrected.ids),
        ("source", corrected.sources),
        ("person", corrected.erased),
    ):
        if gone:
            listed = spark.createDataFrame([(each,) for each in gone], [name])
            events = events.join(f.broadcast(listed), name, "left_anti")
    nobodys = f.col("kind").isin(sorted(OF_NOBODY))
    events = events.withColumn("person", f.when(~nobodys, f.col("person")))
    if corrected.lives_as:
        living = [(person, corrected.key(person)) for person in corrected.lives_as]
        heirs = spark.createDataFrame(living, ["person", "living"])
        events = events.join(f.broadcast(heirs), "person", "left")
        events = events.withColumn("person", f.coalesce("living", "person")).drop("living")
    return events


def _by_company(source: Source, program: Program, history: Any, own: Any) -> Iterator[Any]:
    """What people's companies bring them."""
    from pyspark.sql import functions as f

    is_shared = f.col("kind").isin(sorted(program.reaches_colleagues))
    named = own.where(f.col("company").isNotNull() | is_shared).withColumn("said", f.when(is_shared, f.col("said")))
    rows = _with_company(named.select(*_OF_ANY_ROW, "company"))
    came = rows.where("is_came")
    stays = _stays(came)
    described = history.where(f"kind = '{OF_A_COMPANY}' AND company IS NOT NULL")
    if facts := _said(source, (name for name, _ in program.company_fields)):
        yield _facts(came, described, facts)
    if program.reaches_colleagues:
        yield _reached(rows.where(is_shared & f.col("present").isNotNull()), "present", stays, is_limited=True)
    yield _reached(described, "company", stays, is_limited=False)


def _with_company(own: Any) -> Any:
    """Own rows with the company of that time, and whether somebody comes to it by this row."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    order = Window.partitionBy("person").orderBy("at", "seq")
    present = f.last("company", ignorenulls=True).over(order.rowsBetween(Window.unboundedPreceding, 0))
    rows = own.withColumn("present", present)
    before = f.lag("present").over(order)
    is_came = f.col("company").isNotNull() & (before.isNull() | (before != f.col("company")))
    return rows.withColumn("is_came", is_came)


def _stays(came: Any) -> Any:
    """From when to when everybody belonged to which company."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    order = Window.partitionBy("person").orderBy("at", "seq")
    return came.select(
        f.col("person").alias("to_person"),
        f.col("company").alias("stay_company"),
        f.struct("at", "seq").alias("from_when"),
        f.lead(f.struct("at", "seq")).over(order).alias("to_when"),
    )


def _facts(came: Any, described: Any, facts: Mapping[str, Any]) -> Any:
    """Whoever comes to a company is told, beside that row, what is known about it by then."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    names = [name for name in facts if not name.startswith(":")]
    told = [
        f.when(facts[name].isNotNull(), f.struct(facts[name].alias("value"), _type_of(facts, name).alias("type")))
        for name in names
    ]
    place = ("company", "at", "seq", "person")
    tells = described.select(*place[:3], f.lit(None).cast("string").alias("person"), *map(f.Column.alias, told, names))
    order = Window.partitionBy("company").orderBy("at", "seq").rowsBetween(Window.unboundedPreceding, 0)
    known = tells.unionByName(came.select(*place), allowMissingColumns=True).select(
        *place, *(f.last(name, ignorenulls=True).over(order).alias(name) for name in names)
    )
    said = {name: f.col(name)["value"] for name in names} | {f":{name}": f.col(name)["type"] for name in names}
    known = known.select(f.lit(FACTS).alias("origin"), "person", "at", "seq", _as_json(said).alias("said"))
    return known.where("person IS NOT NULL AND said <> '{}'")


def _type_of(facts: Mapping[str, Any], name: str) -> Any:
    from pyspark.sql import functions as f

    return facts.get(f":{name}", f.lit(None).cast("string"))


def _reached(acts: Any, company: str, stays: Any, *, is_limited: bool) -> Any:
    """What happened at a company, once for everybody else who belonged there then; at most so many who came first."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    when = f.struct("at", "seq")
    pairs = acts.join(stays, acts[company] == stays.stay_company).where(
        (when > f.col("from_when"))
        & (f.col("to_when").isNull() | (when < f.col("to_when")))
        & (f.col("person").isNull() | (f.col("person") != f.col("to_person")))
    )
    if is_limited and stays.groupBy("stay_company").count().where(f"count > {MOST_COLLEAGUES + 1}").limit(1).count():
        place = f.row_number().over(Window.partitionBy("seq").orderBy("from_when"))
        pairs = pairs.withColumn("place", place).where(f"place <= {MOST_COLLEAGUES}")
    return pairs.select(f.lit(REACHED).alias("origin"), f.col("to_person").alias("person"), *_OF_ANY_ROW[1:])


# --- in a worker of Spark's


def decide_partition(text: str, until: int, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Decides the people of a partition, some thousands at a time; rows come by (person, at, seq)."""
    program = _program(text)
    how = machine.fast()
    for table in people_at_a_time(batches):
        part = prepared(table, program, until, how)
        replayed = part.replay(program)
        for what, found in (("s", standings_table(replayed)), ("m", moves_table(replayed, part))):
            yield from _result(what, found).to_batches()


@functools.lru_cache(maxsize=4)
def _program(text: str) -> Program:
    """Read once by each of Spark's workers, which decide many partitions one after the other."""
    return compile_program(load(text))


def people_at_a_time(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The rows of a partition, some thousand people's at a time, and nobody's rows torn apart."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= ROWS_AT_ONCE:
            table = pa.Table.from_batches(waiting)
            keys = table.column("key").to_numpy()
            cut = int(np.searchsorted(keys, keys[-1]))  # whoever is last may go on in the next batch
            if cut:
                yield table.slice(0, cut)
                waiting, rows = table.slice(cut).to_batches(), table.num_rows - cut
    if rows:
        yield pa.Table.from_batches(waiting)


def prepared(
    table: pa.Table, program: Program, until: int, how: machine.Machine, of: "Callable[[pa.Table], Rows] | None" = None
) -> Prepared:
    """Some people's rows, made ready for the program and for all that read them alike."""
    origin = table.column("origin").to_numpy()
    rows, reached, facts = (table.filter(pa.array(origin == each)) for each in (OWN, REACHED, FACTS))
    history = (of or Rows)(rows)
    own = in_order(history, [program], until, how)
    own.came_row = who_came(history, own.order)
    given = _Given(reached, facts, history, own.order[own.came_row], program)
    return Prepared(own, until, how, given)


def _result(what: str, found: pa.Table) -> pa.Table:
    n_rows = found.num_rows
    types = {"lap": pa.int32(), **dict.fromkeys(("score", "fit", "engagement"), pa.float64())}
    types |= dict.fromkeys(("since", "at"), pa.timestamp("us"))
    columns: dict[str, Any] = {"what": pa.array([what] * n_rows, pa.string())}
    for name in dict.fromkeys((*_STANDING[:-1], "since", *_MOVE[1:5], "playbook")):
        type_ = types.get(name, pa.string())
        columns[name] = found.column(name).cast(type_) if name in found.column_names else pa.nulls(n_rows, type_)
    return pa.table(columns)


def said_by(table: pa.Table) -> Distinct:
    """What rows say in the fields that the program names."""
    codes, texts = _coded(table, "said")
    return Distinct(codes, map(_told, texts))


def _told(said: str) -> dict[str, object]:
    texts = _decoded(said)
    return {name: value_told(text, texts.get(f":{name}", TEXT)) for name, text in texts.items() if name[0] != ":"}


_decoded: Final = msgspec.json.Decoder(dict[str, str]).decode


class Rows:
    """A partition's own rows as the engine reads them."""

    def __init__(self, table: pa.Table) -> None:
        self._table, self._said = table, said_by(table)
        self.person, self.people = _coded(table, "person")
        kind, kinds = _coded(table, "kind")
        self.kind = np.array([*(KIND_CODES[name] for name in kinds), NONE])[kind].astype(np.int16)
        self.at: Ints = table.column("at").to_numpy()
        self.seq: Ints = table.column("seq").to_numpy()
        self.has_by = table.column("has_by").to_numpy()
        self.company, self.companies = _coded(table, "company")

    def told(self, fields: Sequence[str], rows: Ints) -> list[Told]:
        return [self._said.told(name, rows) for name in fields]

    @property
    def data(self) -> Any:
        from rung.engine.files.parts import Data

        return Data(self._table.column("data"))


class _Given:
    """What reached a partition's people by their company, joined before; in the form of `colleagues.Colleagues`."""

    def __init__(self, table: pa.Table, facts: pa.Table, history: Rows, came: Ints, program: Program) -> None:
        numbers = {person: number for number, person in enumerate(history.people)}
        person, people = _coded(table, "person")
        self._person = np.array([*(numbers[name] for name in people), NONE], np.int64)[person]
        self.entries = np.zeros((table.num_rows, 4), np.int64)
        self.entries[:, 2], self.entries[:, 3] = table.column("at").to_numpy(), table.column("seq").to_numpy()
        self.groups: list[Alike] = []
        self.number = np.zeros(table.num_rows, np.int64)
        kind, kinds = _coded(table, "kind")
        said = said_by(table)
        for code, name in enumerate(kinds):
            rows = np.flatnonzero(kind == code)
            reads = dict.fromkeys(fields_read(program, name, True))
            tells = [field for field in fields_told(program, name, True) if field not in reads]
            first = sum(map(len, self.groups))
            of_reads, of_tells = ({field: said.told(field, rows) for field in fields} for fields in (reads, tells))
            group, found = alike(name, True, of_reads, of_tells, self.entries[rows, 2])
            self.groups.append(group)
            self.number[rows] = first + found
        self.facts, self._state = _states(facts, history.seq[came], program)

    def state_at(self, _: int) -> Ints:
        return self._state.astype(np.int64)

    def of(self, _: int, shared: frozenset[str]) -> Reached:
        return Reached(self._person, np.arange(len(self._person)), 0)


def _states(facts: pa.Table, came: Ints, program: Program) -> tuple[dict[str, Told], Codes]:
    """The states of companies' facts, and which of them whoever comes by the row of this seq finds."""
    said, seq = said_by(facts), facts.column("seq").to_numpy()
    order = np.argsort(seq)
    place = np.searchsorted(seq, came, sorter=order)
    rows = np.append(order, NONE)[place]
    rows[np.append(seq, NONE)[rows] != came] = NONE
    told = {name: said.told(name, rows) for name, _ in program.company_fields}
    first, state = distinct([(each.codes, len(each.values)) for each in told.values()], len(came))
    return {name: each.at(first) for name, each in told.items()}, state


def _coded(table: pa.Table, name: str) -> tuple[Codes, list[str]]:
    return codes_of(pa.chunked_array([whole_of(table.column(name).cast(pa.string()).dictionary_encode())]))
