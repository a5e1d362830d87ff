"""A large history in Parquet for the bench: generated once into var/, a column at a time, the same every time."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from rung.engine.files.segments import (
    Manifest,
    read_manifest,
    write_manifest,
    write_stretch,
)
from rung.engine.payloads import fields_named
from rung.engine.program import compile_program
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load

PLAYBOOK = Path(__file__).with_name("twenty-signals.yaml")
STRETCH = 2_500_000
HOURS = 365 * 24
START = 1_735_689_600_000_000
KINDS = (
    ("page_viewed", 58), ("email_opened", 12), ("content_downloaded", 6), ("form_submitted", 4), ("contacted", 2),
    ("email_clicked", 5), ("webinar_attended", 3), ("demo_requested", 1), ("call_made", 3), ("email_replied", 2),
    ("handoff_accepted", 1), ("bant_answered", 2), ("deal_opened", 1),
)  # fmt: skip
PATHS = (
    "/",
    "/pricing",
    "/product",
    "/blog/how-to-choose",
    "/docs/start",
    "/customers",
    "/about",
    "/careers",
    "/contact",
)
TITLES = ("Chief Financial Officer", "Head of IT", "Developer", "VP Sales", "Assistant", "Plant manager", "Student")
INDUSTRIES = ("Software", "Fintech", "Manufacturing", "Logistics", "Retail", "Public sector")
COUNTRIES = ("Germany", "Austria", "France", "Spain", "United Kingdom", "Brazil")


def playbook(*, has_colleagues: bool = False) -> Playbook:
    return load(playbook_text(has_colleagues=has_colleagues))


def playbook_text(*, has_colleagues: bool = False) -> str:
    """Twenty signals, seven stages; with colleagues, one of the signals is a colleague's."""
    text = PLAYBOOK.read_text("utf-8")
    return (
        text.replace("on: custom, points: 1", "on: page_viewed, from: company, points: 1") if has_colleagues else text
    )


def history(root: Path, events: int) -> Path:
    """The folder of a history of so many events, of a tenth as many people; made where it is not there yet."""
    folder = root / f"history-{events // 1_000}k"
    if read_manifest(folder).rows != events:
        _generate(folder, events)
    return folder


def _generate(folder: Path, events: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    fields = sorted(fields_named([compile_program(playbook(has_colleagues=True))]))
    manifest, done = Manifest(), 0
    while done < events:
        rows = min(STRETCH, events - done)
        table = _table(done, rows, events, fields)
        manifest = manifest.with_stretch(write_stretch(folder, table, fields))
        done += rows
    write_manifest(folder, manifest)


def _table(first: int, rows: int, events: int, fields: list[str]) -> pa.Table:
    """Events first + 1 … first + rows in order of time. Every tenth brings somebody new, every sixtieth of these a new
    company, described at once; of those who are there, some are far more active than others."""
    rng = np.random.default_rng(first + 1)
    seq = np.arange(first + 1, first + rows + 1)
    at = START + seq * (HOURS * 3_600_000_000 // events) + rng.integers(0, 900, rows) * 1_000_000
    turn = seq % 60
    is_described, is_new = turn == 1, seq % 10 == 2
    n_people = seq // 10 + 1
    person = np.where(is_new, n_people - 1, (n_people * rng.random(rows) ** 2).astype(np.int64))
    weights = np.array([weight for _, weight in KINDS], float)
    kind = rng.choice(len(KINDS), rows, p=weights / weights.sum())
    names = [name for name, _ in KINDS] + ["person_identified", "company_described"]
    kind[is_new], kind[is_described] = len(KINDS), len(KINDS) + 1
    firm = np.where(is_described, seq // 60, person // 6)
    has_firm = is_described | (is_new & (firm % 5 < 3))
    told = _Told(rows, fields)
    is_page = kind == 0
    told.tell("path", is_page, PATHS, rng)
    told.tell("title", kind == len(KINDS), TITLES, rng)
    told.tell("outcome", kind == 9, ("positive", "negative", "neutral"), rng)
    told.tell("letter", kind == 11, ("budget", "authority", "need", "timing"), rng)
    told.tell("confirmed", kind == 11, ("yes", "no"), rng)
    told.tell("industry", is_described, INDUSTRIES, rng)
    told.tell("country", is_described, COUNTRIES, rng)
    told.tell("employees", is_described, tuple(range(1, 2_000)), rng)
    emails = np.flatnonzero(kind == len(KINDS))
    told.put("email", emails, [f"p{n}@firm{n // 6}.example" for n in person[emails].tolist()])
    people = [f"018f0000-0000-7000-8000-{n:012x}" for n in range(int(n_people.max()))]
    nobody = is_described
    columns = {
        "seq": pa.array(seq),
        "person": pa.DictionaryArray.from_arrays(pa.array(person.astype(np.int32), mask=nobody), pa.array(people)),
        "at": pa.array(at).cast(pa.timestamp("us")),
        "kind": pa.DictionaryArray.from_arrays(pa.array(kind.astype(np.int32)), pa.array(names)),
        "data": told.json(),
        "id": pa.array([f"m{n}" for n in seq.tolist()]),
        "company": pa.DictionaryArray.from_arrays(
            pa.array(firm.astype(np.int32), mask=~has_firm),
            pa.array([f"firm{n}.example" for n in range(int(firm.max()) + 1)]),
        ),
        "source": pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["web"])),
        "by": pa.nulls(rows, pa.dictionary(pa.int32(), pa.string())),
        **{name: pa.nulls(rows, pa.timestamp("us")) for name in ("occurred_at", "sent_at")},
        "received_at": pa.array(at).cast(pa.timestamp("us")),
    }
    return pa.table({**columns, **told.columns()})


class _Told:
    """Columns of fields, and the JSON that says the same."""

    def __init__(self, rows: int, fields: list[str]) -> None:
        self.rows, self.fields = rows, fields
        self.codes: dict[str, tuple[Any, list[Any]]] = {}

    def tell(self, name: str, where: Any, values: tuple[Any, ...], rng: Any) -> None:
        codes = np.full(self.rows, -1, np.int32)
        codes[where] = rng.integers(0, len(values), int(where.sum()))
        self.codes[name] = codes, list(values)

    def put(self, name: str, rows: Any, values: list[Any]) -> None:
        codes = np.full(self.rows, -1, np.int32)
        codes[rows] = np.arange(len(rows))
        self.codes[name] = codes, values

    def columns(self) -> dict[str, Any]:
        found = {}
        empty = pa.nulls(self.rows, pa.dictionary(pa.int32(), pa.string()))
        for name in self.fields:
            codes, values = self.codes.get(name, (None, []))
            if codes is None:
                found[f"data_{name}"] = found[f"type_{name}"] = empty
                continue
            texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
            types = ["text" if isinstance(values[0], str) else "number"]
            mask = codes < 0
            found[f"data_{name}"] = pa.DictionaryArray.from_arrays(pa.array(codes, mask=mask), pa.array(texts))
            found[f"type_{name}"] = pa.DictionaryArray.from_arrays(
                pa.array(np.zeros(self.rows, np.int32), mask=mask), pa.array(types)
            )
        return found

    def json(self) -> Any:
        parts = np.full(self.rows, "", object)
        for name, (codes, values) in self.codes.items():
            told = np.array([f'"{name}": {json.dumps(value)}, ' for value in values], object)
            where = np.flatnonzero(codes >= 0)
            parts[where] = parts[where] + told[codes[where]]
        return pa.array(["{" + part[:-2] + "}" for part in parts.tolist()])
