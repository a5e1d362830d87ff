"""`make bench`: the figures that Rung promises, each beside its reference in the same run.

Absolute times are noise on shared machines; ratios are not. Every figure is the median of interleaved runs. Prints a
table and writes var/bench.json.
"""

import argparse
import importlib.util
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Figure:
    """One figure. `ratio` is what counts; `target` says what it must not exceed, or (>=) reach."""

    id: str
    figure: float
    unit: str
    reference: float
    ratio: float
    target: str
    machine: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that everything runs")
    parser.add_argument("--only", help="only figures whose id begins so")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--labelled", type=Path, help="a CSV of people for the figure of matching")
    parser.add_argument("--truth", default="cluster", help="its column that says who is who")
    options = parser.parse_args()
    events, runs = (100_000, 3) if options.quick else (1_000_000, options.runs)
    figures: list[Figure] = []
    measures = (
        ("decide", decide),
        ("replay", replay),
        ("spark", spark),
        ("trial", trial),
        ("pages", pages),
        ("handoffs", handoffs),
        ("collector", collector),
        ("live-sqlite", live_on("sqlite")),
        ("live-postgres", live_on("postgres")),
        ("sustained", sustained),
        ("import", imported),
        ("memory-import", imported_memory),
        ("publish", published),
        ("match", matching_of(options.labelled, options.truth)),
    )
    for name, measure in measures:
        if options.only and not name.startswith(options.only):
            continue
        figures += measure(events, runs)
    show(figures)
    # A quick run never takes the place of real figures.
    out = ROOT / "var" / ("bench-quick.json" if options.quick else "bench.json")
    out.parent.mkdir(exist_ok=True)
    kept = [each for each in _kept(out) if each["id"] not in {figure.id for figure in figures}]
    out.write_text(json.dumps([*kept, *(asdict(figure) for figure in figures)], indent=2) + "\n", encoding="utf-8")


def _kept(path: Path) -> list[dict[str, object]]:
    return json.loads(path.read_text("utf-8")) if path.is_file() else []


def show(figures: list[Figure]) -> None:
    print(f"{'figure':28}{'value':>12}  {'unit':12}{'reference':>12}{'ratio':>9}  target")
    for each in figures:
        numbers = f"{each.figure:>12,.3f}  {each.unit:12}{each.reference:>12,.3f}{each.ratio:>9.2f}"
        print(f"{each.id:28}{numbers}  {each.target}")


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


@dataclass(frozen=True)
class Took:
    """How long something took by the wall and in processor time, its child processes' included.

    Where others use the machine too, the wall says how busy they are; processor time is what our work costs.
    """

    wall: float
    cpu: float


def timed(run: Callable[[], object]) -> Took:
    wall, cpu = time.perf_counter(), _cpu()
    run()
    return Took(time.perf_counter() - wall, _cpu() - cpu)


def _cpu() -> float:
    told = os.times()
    return told.user + told.system + told.children_user + told.children_system


def median(times: list[Took], clock: str) -> float:
    return statistics.median(getattr(each, clock) for each in times)


CLOCKS = (("", "wall", "s"), ("-cpu", "cpu", "cpu s"))


# rung decide against json.loads


def decide(events: int, runs: int) -> list[Figure]:
    """The whole process of `rung decide` against json.loads over the same lines, and its growth over ten times less."""
    with tempfile.TemporaryDirectory() as folder:
        large, small = Path(folder, "large.ndjson"), Path(folder, "small.ndjson")
        write_history(large, events)
        write_history(small, events // 10)
        lines = large.read_bytes().split(b"\n")[:-1]
        decided(small)  # compiles the kernel where nobody has yet
        times: dict[str, list[Took]] = {"json": [], "large": [], "small": []}
        for _ in range(runs):
            times["json"].append(timed(lambda: [json.loads(line) and None for line in lines]))
            times["large"].append(timed(lambda: decided(large)))
            times["small"].append(timed(lambda: decided(small)))
    label = f"{events // 1_000}k"
    figures = []
    for ending, clock, unit in CLOCKS:
        reference, whole, tenth = (median(times[name], clock) for name in ("json", "large", "small"))
        figures += [
            Figure(
                f"decide-{label}{ending}", whole, unit, reference, whole / reference, "<= 4 x json.loads", machine()
            ),
            Figure(f"decide-growth-{label}{ending}", whole, unit, tenth, whole / tenth, "<= 11 x for 10 x", machine()),
        ]
    return figures


def decided(path: Path) -> None:
    command = [sys.executable, "-m", "rung.cli", "decide", str(path), "--out", str(path.parent / "out")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


KINDS = (
    ("page_viewed", 60), ("email_opened", 12), ("content_downloaded", 6), ("form_submitted", 4), ("contacted", 2),
    ("email_clicked", 5), ("webinar_attended", 3), ("demo_requested", 1), ("call_made", 3), ("person_identified", 3),
    ("deal_opened", 1),
)  # fmt: skip
PATHS = ("/", "/pricing", "/product", "/blog/how-to-choose", "/docs/start", "/customers", "/about", "/contact")
TITLES = ("Chief Financial Officer", "Head of IT", "Developer", "VP Sales", "Assistant", "Plant manager")


def write_history(path: Path, events: int, seed: int = 1, start: datetime = datetime(2025, 1, 1, tzinfo=UTC)) -> None:
    """A history of events / 10 people at events / 60 companies over a year, in order of time."""
    rng = random.Random(seed)
    kinds = rng.choices([name for name, _ in KINDS], [weight for _, weight in KINDS], k=events)
    seconds = sorted(rng.randrange(365 * 86_400) for _ in range(events))
    with path.open("w", encoding="utf-8") as file:
        for number, (kind, second) in enumerate(zip(kinds, seconds, strict=True)):
            # Somebody new on every tenth line; of those who are there, some are far more active than others.
            person = number // 10 if number % 10 == 0 else int((number // 10 + 1) * rng.random() ** 2)
            domain = f"firm{person // 6}.example"
            at = (start + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")
            line: dict[str, object] = {"person": f"p{person}@{domain}", "at": at, "kind": kind, "id": f"m{number}"}
            if kind == "page_viewed":
                line["data"] = {"path": rng.choice(PATHS), "title": "A page", "visit": rng.randrange(1_000_000)}
            elif kind == "person_identified":
                line["data"] = {"title": rng.choice(TITLES), "employees": rng.randrange(1, 5_000)}
                line["company"] = domain
            file.write(json.dumps(line) + "\n")


# replay from Parquet against DuckDB's sort of the same files


def replay(events: int, runs: int) -> list[Figure]:
    """The whole of `rung decide FOLDER`, standings and moves written, against DuckDB sorting everything in the same
    files by person and time into a table; its growth, its memory, and the price of colleagues' events."""
    import histories

    large, small = (histories.history(ROOT / "var" / "bench", size) for size in (events * 10, events))
    decided_folder(small)  # compiles the kernel where nobody has yet
    peaks: list[float] = []
    times: dict[str, list[Took]] = {name: [] for name in ("sort", "lean", "large", "small", "colleagues")}
    for _ in range(runs):
        times["sort"].append(timed(lambda: sorted_by_duckdb(large, "*")))
        times["lean"].append(timed(lambda: sorted_by_duckdb(large, 'seq, person, "at", kind, company, data')))
        times["large"].append(timed(lambda: peaks.append(decided_folder(large))))
        times["small"].append(timed(lambda: decided_folder(small)))
    reached: list[float] = []
    times["colleagues"].append(timed(lambda: reached.append(decided_folder(large, has_colleagues=True))))
    peak, peak_colleagues = max(peaks), max(reached)
    label = f"{events * 10 // 1_000}k"
    figures = [
        Figure(f"replay-memory-{label}", peak, "MiB", 4096, peak / 4096, "<= 1 x 4 GiB", machine()),
        Figure(
            f"replay-memory-colleagues-{label}", peak_colleagues, "MiB", 4096, peak_colleagues / 4096,
            "<= 1 x 4 GiB", machine(),
        ),
    ]  # fmt: skip
    for ending, clock, unit in CLOCKS:
        sort, lean, whole, tenth, colleagues = (
            median(times[name], clock) for name in ("sort", "lean", "large", "small", "colleagues")
        )
        for name, value, reference, target in (
            ("replay", whole, sort, "<= 2 x DuckDB's sort"),
            ("replay-lean", whole, lean, "(sort of six columns)"),
            ("replay-growth", whole, tenth, "<= 11 x for 10 x"),
            ("replay-colleagues", colleagues, sort, "(one signal of colleagues)"),
        ):
            id_ = f"{name}-{label}{ending}"
            figures.append(Figure(id_, value, unit, reference, value / reference, target, machine()))
    return figures


def trial(events: int, runs: int) -> list[Figure]:
    """A backtest and forty values of a number against one replay, and a changed number on the demo company.

    A backtest is two replays with all figures and their intervals; the answer on the demo company is what a page waits
    for once the history is warm: replay, figures, words.
    """
    from rung.demo.company import history as invented
    from rung.engine.files import reading
    from rung.engine.program import compile_program
    from rung.engine.replay import replay as replayed
    from rung.engine.trying.ground import Ground, Wish
    from rung.engine.trying.varying import knob
    from rung.insight import telling, trials
    from rung.insight.trials import Wanted
    from rung.playbook import loading, shipped

    playbook = loading.load(shipped.read(shipped.DEFAULT))
    turned, program = knob(playbook, "stages.mql.enter:score"), compile_program(playbook)
    lower = turned.turned(playbook, 42)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "history.ndjson")
        write_history(path, events)
        with path.open("rb") as stream:
            history = reading.read(stream).history
        with path.open("w", encoding="utf-8") as file:
            now = int(datetime(2026, 11, 19, 13, 32, tzinfo=UTC).timestamp()) * 1_000_000
            file.writelines(json.dumps(line) + "\n" for line in invented(5_000, 18, 7, now=now))
        with path.open("rb") as stream:
            demo = Ground(reading.read(stream).history)
    until = int(history.at.max())
    span = Wanted(turned.path, tuple(float(value) for value in range(20, 60)))
    times: dict[str, list[Took]] = {"replay": [], "backtest": [], "explorer": [], "answer": []}
    replayed(program, history, until)
    trials.explored(demo, playbook, playbook, turned, span, Wish())

    def answer(value: float) -> None:
        draft = turned.turned(playbook, value)
        telling.page(demo.backtest(playbook, draft)[0], playbook, draft)

    for run in range(runs):
        times["replay"].append(timed(lambda: replayed(program, history, until)))
        times["backtest"].append(timed(lambda: Ground(history).backtest(playbook, lower)))
        fresh = Ground(history)
        times["explorer"].append(
            timed(lambda fresh=fresh: trials.explored(fresh, playbook, playbook, turned, span, Wish()))
        )
        times["answer"].append(timed(lambda run=run: answer(30.5 + run)))
    figures = []
    for ending, clock, unit in CLOCKS:
        reference = median(times["replay"], clock)
        for name, target in (("backtest", "<= 2.2 x one replay"), ("explorer", "<= 6 x one replay, 40 values")):
            whole = median(times[name], clock)
            label = f"{name}-{events // 1_000}k{ending}"
            figures.append(Figure(label, whole, unit, reference, whole / reference, target, machine()))
        whole = median(times["answer"], clock)
        figures.append(
            Figure(f"trial-answer{ending}", whole, unit, 1.0, whole, "<= 1 s on the demo company", machine())
        )
    return figures


def spark(events: int, runs: int) -> list[Figure]:
    """Deciding on Spark, local[2], against its own shuffle and sort of the same history; nothing without pyspark."""
    if importlib.util.find_spec("pyspark") is None:
        print("spark: pyspark is not installed, so nothing is measured")
        return []
    import histories
    from pyspark.sql import SparkSession

    from rung.engine.files.spark import decide_on_spark

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    folder, playbook = histories.history(ROOT / "var" / "bench", events * 10), histories.playbook()
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = builder.config("spark.driver.memory", "6g").getOrCreate()
    times: dict[str, list[Took]] = {"sort": [], "decide": []}

    def sort() -> None:
        rows = session.read.parquet(f"{folder}/*/*.parquet").repartition("person")
        rows.sortWithinPartitions("person", "at", "seq").write.format("noop").mode("overwrite").save()

    with tempfile.TemporaryDirectory() as out:
        for _ in range(runs):
            times["sort"].append(timed(sort))
            times["decide"].append(
                timed(lambda: decide_on_spark(folder, playbook=playbook, until=None, out=Path(out), spark=session))
            )
    session.stop()
    whole, reference = median(times["decide"], "wall"), median(times["sort"], "wall")
    label = f"spark-{events * 10 // 1_000}k"
    return [Figure(label, whole, "s", reference, whole / reference, "<= 1.5 x its own sort", machine())]


def decided_folder(folder: Path, has_colleagues: bool = False) -> float:
    """Decides it in a process of its own and returns the most memory that took, in MiB."""
    import histories

    with tempfile.TemporaryDirectory() as out:
        playbook = Path(out, "playbook.yaml")
        playbook.write_text(histories.playbook_text(has_colleagues=has_colleagues), encoding="utf-8")
        command = [sys.executable, "-m", "rung.cli", "decide", str(folder), "--playbook", str(playbook), "--out", out]
        told = subprocess.run([sys.executable, "-c", _WEIGHED, *command], capture_output=True, text=True, check=False)
    if told.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {told.returncode}: {told.stderr}")
    return int(told.stdout) / 1024


_WEIGHED = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(child.pid, 0)
print(used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Starts a command and prints the most memory it took (KiB), from a process that is small: Linux counts for a command
what the process that started it had, and DuckDB's sort in ours takes gigabytes."""


def sorted_by_duckdb(folder: Path, columns: str) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(
            f"""CREATE TABLE sorted AS SELECT {columns} FROM '{folder}/*/*.parquet' ORDER BY person, "at", seq"""
        )


def pages(events: int, runs: int) -> list[Figure]:
    """Lists, persons, companies and the ladder through the real WSGI app, one client, warm."""
    import pages as measured

    figures = []
    for took in measured.measure(people=events // 10, events=events, requests=40 * runs):
        for ending, value in (("p50", took.p50), ("p95", took.p95), ("p95-cpu", took.cpu_p95)):
            name = f"page-{took.page}-{ending}"
            figures.append(Figure(name, value, "ms", 40.0, value / 40.0, "p95 <= 40 ms", machine()))
        most = float(took.queries)
        figures.append(Figure(f"page-{took.page}-queries", most, "queries", 12.0, most / 12, "<= 12", machine()))
    return figures


def handoffs(events: int, runs: int) -> list[Figure]:
    """Hand-offs by the thousand: dealt out, on Today, and their clocks after a changed calendar."""
    import handoffs as measured

    found = measured.measured(events // 100, events // 10, events, runs)
    rows = (
        ("handoffs-deal", "deal", "s", "<= 30 s for 100 k"),
        ("handoffs-today-p95", "today", "ms", "<= 100 ms, 10 k open"),
        ("handoffs-recompute", "recompute", "s", "<= 10 s for 1 M"),
    )
    figures = []
    for id_, name, unit, target in rows:
        wall, cpu, reference, reference_cpu = found[name]
        figures.append(Figure(id_, wall, unit, reference, wall / reference, target, machine()))
        figures.append(Figure(f"{id_}-cpu", cpu, f"{unit} cpu", reference_cpu, cpu / reference_cpu, target, machine()))
    return figures


def collector(events: int, runs: int) -> list[Figure]:
    """Events acknowledged after the commit (synchronous FULL), against the same server with nothing stored."""
    import collector as measured

    rates = measured.measure(runs, seconds=1.0 if events < 1_000_000 else measured.SECONDS)
    figures = []
    for events_a_request, name, target in (
        (1, "one", ">= 0.15 x nothing stored"),
        (20, "batch20", ">= 25 000 events/s"),
    ):
        for ending, clock, unit in (("", "wall", "events/s"), ("-cpu", "cpu", "events/cpu s")):
            stored, nothing = (
                statistics.median(getattr(rate, clock) for rate in rates[events_a_request, is_stored])
                for is_stored in (True, False)
            )
            figures.append(
                Figure(f"collector-{name}{ending}", stored, unit, nothing, stored / nothing, target, machine())
            )
    return figures


# the house at work


def live_on(database: str) -> Callable[[int, int], list[Figure]]:
    """Events recorded as the worker takes a backlog in, all that follows included, against bare INSERTs of the same."""

    def measure(events: int, runs: int) -> list[Figure]:
        import live

        people, count = (4_000, 5_000) if events < 1_000_000 else (20_000, 50_000)
        runs = 1 if events < 1_000_000 else runs
        found = [live.in_a_house_of_its_own("live", database, people, count) for _ in range(runs)]
        name, target = f"live-{database}", ">= 5,000 events/s"
        single = statistics.median(each["single_ms"] for each in found)
        return [
            *_rates(name, "events", target, found, "bare"),
            Figure(f"{name}-one-event", single, "ms", 0.0, 0.0, "one event, all that follows", machine()),
        ]

    return measure


def imported(events: int, runs: int) -> list[Figure]:
    """A file of contacts of whom half are known, and its undoing, against bare INSERTs of the same events."""
    import live

    people, rows = (2_000, 4_000) if events < 1_000_000 else (50_000, 100_000)
    runs = 1 if events < 1_000_000 else min(runs, 3)
    figures = []
    for database, ending in (("sqlite", ""), ("postgres", "-postgres")):
        found = [live.in_a_house_of_its_own("import", database, people, rows) for _ in range(runs)]
        undone = [{**each, "wall": each["undo_wall"], "cpu": each["undo_cpu"]} for each in found]
        figures += _rates(f"import{ending}", "rows", ">= 5,000 rows/s", found, "bare")
        figures += _rates(f"import-undone{ending}", "rows", ">= 5,000 rows/s", undone, "bare")
    return figures


def imported_memory(events: int, runs: int) -> list[Figure]:
    """The most memory that a million rows take, to bring in and to take back, against a hundred thousand; once."""
    import live

    rows = 20_000 if events < 1_000_000 else 1_000_000
    whole, tenth = (live.in_a_house_of_its_own("memory", "sqlite", size) for size in (rows, rows // 10))
    label = f"{rows // 1_000}k"
    return [
        Figure(f"memory-{name}-{label}", whole[key], "MiB", tenth[key], whole[key] / tenth[key],
               "<= 1.5 x for 10 x", machine())
        for name, key in (("import", "import"), ("import-undone", "undo"))
    ]  # fmt: skip


def sustained(events: int, runs: int) -> list[Figure]:
    """Arrival to standing visible, at 1,000 events a second for two minutes; one run, which is long enough."""
    import sustained as measured

    found = measured.measure(rate=1_000, seconds=10 if events < 1_000_000 else 120)
    return [
        Figure(f"sustained-{name}", found[name], "s", 1.0, found[name], target, machine())
        for name, target in (("p50", "p95 <= 1 s"), ("p95", "p95 <= 1 s"))
    ] + [
        Figure(
            "sustained-rate", found["rate"], "events/s", 1_000.0, found["rate"] / 1_000, ">= 1,000 events/s", machine()
        )
    ]


def published(events: int, runs: int) -> list[Figure]:
    """A changed playbook put in force for everybody, against bare INSERTs of the standings that come of it."""
    import live

    people = 4_000 if events < 1_000_000 else 50_000
    runs = 1 if events < 1_000_000 else min(runs, 3)
    found = [live.in_a_house_of_its_own("publish", "sqlite", people) for _ in range(runs)]
    return _rates("publish", "people", ">= 4,167 people/s (250 k in 60 s)", found, "bare")


def matching_of(labelled: Path | None, truth: str) -> Callable[[int, int], list[Figure]]:
    """How right matching is on a labelled CSV (fake_1000 of Splink: F1 0.806 at its default threshold), and how the
    pairs to compare and the time grow with four times the people."""

    def measure(events: int, runs: int) -> list[Figure]:
        import matching as measured

        grown = measured.growth(2_000 if events < 1_000_000 else 10_000)
        figures = [
            Figure(f"match-growth-{name}", many, unit, few, many / few, target, machine())
            for name, unit, target, few, many in (
                ("pairs", "pairs", "<= 5 x for 4 x", grown.few_pairs, grown.many_pairs),
                ("cpu", "cpu s", "<= 6 x for 4 x", grown.few_cpu, grown.many_cpu),
            )
        ]
        if labelled is None:
            print("match: without --labelled FILE only growth is measured")
            return figures
        found = measured.labelled(labelled, truth)
        return [
            Figure(f"match-f1-{labelled.stem}", found.f1, "F1", 0.806, found.f1 / 0.806, ">= 0.806", machine()),
            Figure(
                f"match-precision-{labelled.stem}", found.precision, "share", 0.99, found.precision / 0.99,
                ">= 0.99", machine(),
            ),
            *figures,
        ]  # fmt: skip

    return measure


def _rates(name: str, what: str, target: str, found: list[dict[str, float]], reference: str) -> list[Figure]:
    """So many a second, by the wall and by processor time; more is better."""
    figures = []
    for ending, clock, unit in (("", "wall", f"{what}/s"), ("-cpu", "cpu", f"{what}/cpu s")):
        rate, bare = (statistics.median(each[key] for each in found) for key in (clock, f"{reference}_{clock}"))
        figures.append(Figure(f"{name}{ending}", rate, unit, bare, rate / bare, target, machine()))
    return figures


if __name__ == "__main__":
    main()
