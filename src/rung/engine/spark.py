"""`--engine spark`: the same kernel where one machine is not enough. Needs the extra `rung[spark]` and Java 17.

Spark reads the segments, lets everybody's company bring them its rows (the join of `colleagues.py`, in Spark's words),
puts each person's rows into one partition in order, and hands partitions to the kernel by `mapInArrow`.
"""

import functools
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from rung.engine import machine
from rung.engine.colleagues import Reached
from rung.engine.deciding_segments import DecidedFolder, moves_table, standings_table
from rung.engine.histories import BadHistory, Codes, Ints, Told, distinct
from rung.engine.joining import MOST_COLLEAGUES
from rung.engine.kernel import NONE
from rung.engine.ordering import in_order
from rung.engine.parts import Source, codes_of, told_of, whole_of
from rung.engine.payloads import OF_A_COMPANY, Alike, alike, fields_named, fields_read, fields_told
from rung.engine.program import Program, compile_program
from rung.engine.reading import CORRECTIONS, KIND_CODES, OF_NOBODY
from rung.engine.replay import Prepared
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load

ROWS_AT_ONCE: Final = 200_000
"""Rows after which a partition's people are decided, so that a partition never has to fit into memory."""
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
    """Everybody's rows, own and by company, each person's in one partition and in order.

    `told`: of which of them, in Spark's words, all that they say is needed, and not columns alone.
    """
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    history = events(spark, source, until)
    own = history.where("person IS NOT NULL")
    shared = sorted(program.reaches_colleagues)
    facts = tuple(name for name, _ in program.company_fields)
    rows = _with_company(own)
    came = rows.where("is_came")
    rows = _with_facts(rows, came, history, facts) if facts else rows.withColumns({})
    stays = _stays(came)
    reached = [
        _reached(rows.where(rows.kind.isin(shared)).where("present IS NOT NULL"), "present", stays, is_limited=True)
        if shared
        else None,
        _reached(history.where(f"kind = '{OF_A_COMPANY}' AND company IS NOT NULL"), "company", stays, is_limited=False),
    ]
    columns = _columns(source.fields, facts)
    whole = rows.selectExpr(*(_as_own(name, told) for name in columns))
    for more in reached:
        if more is not None:
            whole = whole.unionByName(more.selectExpr(*(_as_reached(name) for name in columns)))
    return whole.repartition("person").sortWithinPartitions("person", "at", "seq")


def _columns(fields: Sequence[str], facts: Sequence[str]) -> list[str]:
    told = [name for field in fields for name in (f"data_{field}", f"type_{field}")]
    known = [name for field in facts for name in (f"fact_data_{field}", f"fact_type_{field}")]
    return ["person", "at", "seq", "kind", "has_by", "is_own", "is_came", "data", *told, *known]


def _as_own(name: str, told: str) -> str:
    made = {"is_own": "true AS is_own", "data": f"CASE WHEN {told} THEN data END AS data"}
    return made.get(name, f"`{name}`")


def _as_reached(name: str) -> str:
    made = {
        "person": "to_person AS person",
        "has_by": "false AS has_by",
        "is_own": "false AS is_own",
        "is_came": "false AS is_came",
        "data": "CAST(NULL AS STRING) AS data",
    }
    return made.get(name, f"CAST(NULL AS STRING) AS `{name}`" if name.startswith("fact_") else f"`{name}`")


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
    told = [f"`{name}`" for field in source.fields for name in (f"data_{field}", f"type_{field}")]
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


def _with_facts(rows: Any, came: Any, events: Any, facts: Sequence[str]) -> Any:
    """Whoever comes to a company is told, at that row, what is known about it by then."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    told = {name: f.when(f.col(f"type_{name}").isNotNull(), f.struct(f"type_{name}", f"data_{name}")) for name in facts}
    described = events.where(f"kind = '{OF_A_COMPANY}' AND company IS NOT NULL").select(
        "company", "at", "seq", f.lit(False).alias("comes"), *(column.alias(name) for name, column in told.items())
    )
    comes = came.select(
        "company", "at", "seq", f.lit(True).alias("comes"),
        *(f.when(f.lit(False), f.struct(f"type_{name}", f"data_{name}")).alias(name) for name in facts),
    )  # fmt: skip
    order = Window.partitionBy("company").orderBy("at", "seq").rowsBetween(Window.unboundedPreceding, 0)
    known = described.unionByName(comes).select(
        "seq", "comes", *(f.last(name, ignorenulls=True).over(order).alias(name) for name in facts)
    )
    known = known.where("comes").select(
        "seq",
        *(f.col(name)[f"data_{name}"].alias(f"fact_data_{name}") for name in facts),
        *(f.col(name)[f"type_{name}"].alias(f"fact_type_{name}") for name in facts),
    )
    return rows.join(known, "seq", "left")


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
    return pairs


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
            last = table.column("person")[-1].as_py()
            keys = table.column("person").to_numpy()
            cut = int(np.argmax(keys == last))  # whoever is last may go on in the next batch
            if cut:
                yield table.slice(0, cut)
                waiting, rows = table.slice(cut).to_batches(), table.num_rows - cut
    if rows:
        yield pa.Table.from_batches(waiting)


def prepared(
    table: pa.Table, program: Program, until: int, how: machine.Machine, of: "type[Rows] | None" = None
) -> Prepared:
    """Some people's rows, made ready for the program and for all that read them alike."""
    is_own = table.column("is_own").to_numpy()
    history = (of or Rows)(table.filter(pa.array(is_own)))
    own = in_order(history, [program], until, how)
    own.came_row = np.flatnonzero(history.is_came[own.order])
    given = _Given(table.filter(pa.array(~is_own)), history, own.order[own.came_row], program)
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


class Rows:
    """A partition's own rows as the engine reads them; which company they name was looked at before."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.person, self.people = _coded(table, "person")
        kind, kinds = _coded(table, "kind")
        self.kind = np.array([*(KIND_CODES[name] for name in kinds), NONE])[kind].astype(np.int16)
        self.at: Ints = table.column("at").to_numpy()
        self.seq: Ints = table.column("seq").to_numpy()
        self.has_by = table.column("has_by").to_numpy()
        self.is_came = table.column("is_came").to_numpy()
        self.company: Codes = np.full(table.num_rows, NONE, np.int32)
        self.companies: Sequence[str] = ()

    def told(self, fields: Sequence[str], rows: Ints) -> list[Told]:
        return [_field(self._table, name, "").at(rows) for name in fields]

    def facts(self, name: str, rows: Ints) -> Told:
        return _field(self._table, name, "fact_").at(rows)

    @property
    def data(self) -> Any:
        from rung.engine.parts import Data

        return Data(self._table.column("data"))


class _Given:
    """What reached a partition's people by their company, joined before; in the form of `colleagues.Colleagues`."""

    def __init__(self, table: pa.Table, history: Rows, came: Ints, program: Program) -> None:
        numbers = {person: number for number, person in enumerate(history.people)}
        person, people = _coded(table, "person")
        self._person = np.array([*(numbers[name] for name in people), NONE], np.int64)[person]
        self.entries = np.zeros((table.num_rows, 4), np.int64)
        self.entries[:, 2], self.entries[:, 3] = table.column("at").to_numpy(), table.column("seq").to_numpy()
        self.groups: list[Alike] = []
        self.number = np.zeros(table.num_rows, np.int64)
        kind, kinds = _coded(table, "kind")
        for code, name in enumerate(kinds):
            rows = np.flatnonzero(kind == code)
            reads = dict.fromkeys(fields_read(program, name, True))
            tells = [field for field in fields_told(program, name, True) if field not in reads]
            first = sum(map(len, self.groups))
            group, found = alike(
                name,
                True,
                {field: _field(table, field, "").at(rows) for field in reads},
                {field: _field(table, field, "").at(rows) for field in tells},
                self.entries[rows, 2],
            )
            self.groups.append(group)
            self.number[rows] = first + found
        told = {name: history.facts(name, came) for name, _ in program.company_fields}
        first_rows, self._state = distinct([(each.codes, len(each.values)) for each in told.values()], len(came))
        self.facts = {name: each.at(first_rows) for name, each in told.items()}

    def state_at(self, _: int) -> Ints:
        return self._state.astype(np.int64)

    def of(self, _: int, shared: frozenset[str]) -> Reached:
        return Reached(self._person, np.arange(len(self._person)), 0)


def _coded(table: pa.Table, name: str) -> tuple[Codes, list[str]]:
    return codes_of(pa.chunked_array([_dictionary(table, name)]))


def _field(table: pa.Table, name: str, before: str) -> Told:
    return told_of(_dictionary(table, f"{before}data_{name}"), _dictionary(table, f"{before}type_{name}"))


def _dictionary(table: pa.Table, name: str) -> pa.DictionaryArray:
    return whole_of(table.column(name).cast(pa.string()).dictionary_encode())
