"""A table goes in by the pages: uploaded, looked at, tried, imported by the worker, and undone."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from rung.access.models import Audit
from rung.capture.imports import uploads
from rung.capture.models import LearnedMapping, Upload
from rung.history.models import Event
from rung.jobs.clock import now
from rung.jobs.models import Outbox
from rung.jobs.worker import Worker
from rung.lifecycle.models import Import, Standing
from rung.people.models import Person
from rung.terms.instants import HOUR
from rung.wiring import JOBS, LONG_JOBS
from web.conftest import World
from web.reading import words_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

HUBSPOT = (
    "Record ID,First Name,Last Name,Email,Job Title,Company Name,Original Source,Number of Pages,Create Date\n"
    "1,Ana,Lima,ana@acme.example,CIO,acme.example,ORGANIC_SEARCH,12,2024-03-12 09:14\n"
    "2,Gus,Nord,gus@acme.example,Buyer,acme.example,,3,13/04/2024 2:30 PM\n"
    "3,No,Body,,,,,,2024-03-12 09:14\n"
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    settings.RUNG_HOME = tmp_path
    return tmp_path


def signed_in(world: World, role: str = "marketing") -> Client:
    client = Client()
    client.force_login(world.users[role])
    return client


def upload(client: Client, content: str | bytes = HUBSPOT, name: str = "contacts.csv", kind: str = "") -> Any:
    data = content.encode() if isinstance(content, str) else content
    return client.post(reverse("imports-new"), {"file": SimpleUploadedFile(name, data), "kind": kind})


def work() -> None:
    worker = Worker(name="w", jobs=JOBS, long_jobs=LONG_JOBS, schedules=())
    while worker.turn(now()):
        pass


def to_the_end(client: Client, content: str | bytes = HUBSPOT, *, kind: str = "", **said: str) -> Import:
    address = upload(client, content, kind=kind).headers["Location"]
    assert client.post(f"{address}/mapping", said).status_code == 302
    work()
    assert client.post(f"{address}/run").status_code == 302
    work()
    return Import.objects.latest("pk")


def test_the_empty_page_says_what_to_do(world: World) -> None:
    page = signed_in(world).get(reverse("imports")).content.decode()
    assert "Bring your people in: nothing has been imported yet" in page
    assert "An export of HubSpot, Salesforce or Pipedrive is understood as it is" in page


def test_a_contact_export_is_understood_and_tried_before_anything_is_written(world: World, home: Path) -> None:
    client, events = signed_in(world), Event.objects.count()
    address = upload(client).headers["Location"]
    found = Upload.objects.get()
    assert {choice["column"]: (choice["to"], choice["type"]) for choice in found.choices["columns"]} == {
        "Record ID": ("person.id", "text"),
        "First Name": ("person.first_name", "text"),
        "Last Name": ("person.last_name", "text"),
        "Email": ("person.email", "text"),
        "Job Title": ("person.title", "text"),
        "Company Name": ("company", "text"),
        "Original Source": ("person.source", "text"),
        "Number of Pages": ("own", "number"),
        "Create Date": ("at", "date"),
    }
    assert "8 of 9 columns are understood" in client.get(address).content.decode()
    assert client.post(f"{address}/mapping").status_code == 302
    work()
    page = client.get(address).content.decode()
    assert "2 new people, 1 we know, 0 rows refused" in page
    told = Upload.objects.get().foreseen
    assert (told["rows"], told["new"], told["matched"], told["changed"]) == (3, 2, 1, 1)
    assert Event.objects.count() == events
    stored = [path.name for path in (home / "uploads").iterdir()]
    assert len(stored) == 1 and re.fullmatch(r"[0-9a-f]{32}\.csv", stored[0])


def test_colleagues_with_one_number_come_in_as_so_many_people(world: World) -> None:
    rows = "".join(f"n{each}@firm.example,Nora {each},+49 30 1234567\n" for each in range(3))
    client = signed_in(world)
    found = to_the_end(client, "Email,Name,Phone\n" + rows)
    assert Upload.objects.get(brought=found).foreseen["new"] == 3
    names = Person.objects.filter(email__endswith="@firm.example").values_list("name", flat=True)
    assert sorted(names) == ["Nora 0", "Nora 1", "Nora 2"]


def test_it_comes_in_by_the_worker_and_goes_out_again(world: World, home: Path) -> None:
    client = signed_in(world)
    before = sorted(Person.objects.values_list("email", "title", "name"))
    found = to_the_end(client)
    gus = Person.objects.get(email="gus@acme.example")
    assert (gus.name, gus.title, gus.traits["number_of_pages"]) == ("Gus Nord", "Buyer", 3)
    assert Event.objects.get(person_id=gus.pk).at == 1_713_011_400_000_000  # 13 April 2024, 14:30 in Berlin
    assert (found.name, found.rows, found.kind, found.created_by) == (
        "contacts.csv",
        3,
        "people",
        "marketing@ours.example",
    )
    assert not list((home / "uploads").iterdir())
    page = client.get(reverse("import-done", args=[found.pk])).content.decode()
    assert "3 events of 3 people no longer count" in page
    assert client.post(reverse("import-undoing", args=[found.pk])).status_code == 302
    assert client.post(reverse("import-undoing", args=[found.pk])).status_code == 409
    work()
    assert sorted(Person.objects.values_list("email", "title", "name")) == before
    assert to_the_end(client).accepted == 3


def test_the_same_file_is_brought_in_again_only_when_one_means_it(world: World) -> None:
    client = signed_in(world)
    to_the_end(client)
    address = upload(client).headers["Location"]
    client.post(f"{address}/mapping")
    work()
    refused = client.post(f"{address}/run")
    assert refused.status_code == 409
    assert "was brought in before, as import" in refused.content.decode()
    assert client.post(f"{address}/run", {"again": "1"}).status_code == 302


def test_a_guess_that_nobody_changed_is_not_learned_and_guessing_anew_forgets_for_this_file(world: World) -> None:
    client = signed_in(world)
    address = upload(client).headers["Location"]
    client.post(f"{address}/mapping")
    assert not LearnedMapping.objects.exists()
    client.post(f"{address}/mapping", {"to-7": ""})
    again = upload(client).headers["Location"]
    found = Upload.objects.latest("pk")
    assert found.choices["columns"][7]["to"] == ""
    client.post(f"{again}/mapping", {"act": "kind", "kind": "people"})
    found.refresh_from_db()
    assert (found.choices["columns"][7]["to"], found.choices["learned_by"]) == ("own", "")


def test_a_correction_is_learned_for_the_next_file_of_the_same_header(world: World) -> None:
    client = signed_in(world)
    address = upload(client).headers["Location"]
    client.post(f"{address}/mapping", {"to-7": "", "type-7": "text", "dates": "month first"})
    assert LearnedMapping.objects.get().learned_by == "marketing@ours.example"
    reordered = (
        "EMAIL,First name,Last Name,Record ID,Job Title,Company Name,Original Source,Number of pages,Create Date\n"
    )
    again = upload(client, reordered + "a@b.example,A,B,1,x,y,z,3,2024-01-01\n").headers["Location"]
    found = Upload.objects.latest("pk")
    told = {choice["column"]: choice["to"] for choice in found.choices["columns"]}
    assert (told["Number of pages"], told["EMAIL"], found.choices["dates"]) == ("", "person.email", "month first")
    assert "as marketing@ours.example on" in client.get(again).content.decode()


def test_what_is_left_out_is_a_file_that_no_spreadsheet_runs(world: World) -> None:
    client = signed_in(world)
    found = to_the_end(
        client,
        "Email,Size,=cmd|' /C calc'!A0\na@b.example,x,1\n,1,2\n",
        **{"to-2": "own", "type-2": "date", "to-1": "own", "type-1": "number"},
    )
    answer = client.get(reverse("import-refused", args=[found.pk]))
    assert answer.headers["Content-Disposition"] == f'attachment; filename="import-{found.pk}-refused.csv"'
    lines = answer.content.decode().splitlines()
    assert lines[0] == "line,what,reason"
    assert '2,cell,Size: \'x\' is not a number: write 1234.50 or ""1,234.50""'.split(",")[0] in lines[1]
    assert any(",'=cmd" in line or ",\"'=cmd" in line for line in lines)
    assert "3,row,no Email: the row names nobody" in lines


def test_rows_that_were_left_out_are_a_file_to_correct_and_bring_in_again(world: World) -> None:
    client = signed_in(world)
    found = to_the_end(client, "Name,Email,Seats\nAna Lima,ana@@acme,4\nGus Nord,gus@acme.example,\n")
    page = client.get(reverse("import-done", args=[found.pk])).content.decode()
    assert "Download these rows, to correct and bring in again" in page
    file = client.get(reverse("import-correct", args=[found.pk])).content.decode("utf-8-sig")
    assert file.splitlines()[0] == "Name,Email,Seats,Why it was left out"
    assert file.splitlines()[1].startswith("Ana Lima,ana@@acme,4,line 2: Email: ")
    assert len(file.splitlines()) == 2
    again = to_the_end(client, file.replace("ana@@acme", "ana@porto.example"))
    assert (again.rows, again.refused) == (1, 0)
    ana = Person.objects.get(email="ana@porto.example")
    assert (ana.name, "why_it_was_left_out" in ana.traits) == ("Ana Lima", False)


def test_a_column_with_neither_name_nor_value_is_left_out_and_created_is_a_day(world: World) -> None:
    upload(signed_in(world), "Email,Created,,Seats\na@acme.example,2026-03-01,,4\n")
    told = {choice["column"]: choice["to"] for choice in Upload.objects.get().choices["columns"]}
    assert told == {"Email": "person.email", "Created": "at", "column 3": "", "Seats": "own"}


def test_a_day_of_creation_that_cannot_be_read_costs_nobody_their_row(world: World) -> None:
    found = to_the_end(signed_in(world), "Email,City,Create Date\ngus@acme.example,Turku,31/02/2024\n")
    assert (found.accepted, found.refused) == (1, 0)
    gus = Person.objects.get(email="gus@acme.example")
    assert gus.traits["city"] == "Turku"
    assert now() - Event.objects.get(person_id=gus.pk).at < HOUR
    left_out = signed_in(world).get(reverse("import-refused", args=[found.pk])).content.decode()
    assert "Create Date: '31/02/2024' is not a time written day first, as in 31/12/2025 14:05" in left_out


def test_whoever_wanted_no_mail_of_the_old_program_wants_none_of_ours(world: World) -> None:
    client = signed_in(world)
    table = "Id,Email,HasOptedOutOfEmail,CreatedDate\n1,gus@firm.example,TRUE,2024-05-01\n2,ida@firm.example,false,\n"
    found = to_the_end(client, table)
    assert (found.accepted, found.refused) == (3, 0)
    told = {
        person.email: Standing.objects.get(person=person).unsubscribed
        for person in Person.objects.filter(email__endswith="@firm.example")
    }
    assert told == {"gus@firm.example": True, "ida@firm.example": False}


def test_what_is_tried_says_how_many_deals_would_be_won_and_shows_a_value_of_each_column(world: World) -> None:
    client, rows = signed_in(world), "".join(f"p{each}@firm.example,Won,2024-05-01,,\n" for each in range(8))
    table = "Person - Email,Deal - Status,Deal - Won time,Deal - Lost time,Deal - Lost reason\n"
    address = upload(client, f"{table}{rows}l@firm.example,Lost,,2024-05-02,Price\n").headers["Location"]
    assert "Price" in words_of(client.get(address))  # below the first rows, where that column is empty
    client.post(f"{address}/mapping")
    work()
    assert Upload.objects.get().foreseen["kinds"] == {"deal_opened": 9, "deal_won": 8, "deal_lost": 1}
    assert "Won a deal 8" in words_of(client.get(address))


def test_deals_and_calls_become_events_of_their_people(world: World) -> None:
    client = signed_in(world)
    to_the_end(
        client,
        "Record ID,Deal Name,Deal Stage,Amount,Associated Contact Email,Create Date,Close Date\n"
        '7,Fleet,closedwon,"1,200.50",gus@acme.example,2025-01-02,2025-03-04\n'
        "8,Crane,Closed Lost,90,gus@acme.example,2025-01-02,2025-03-05\n",
    )
    gus = Person.objects.get(identities__value="gus@acme.example")
    told = Event.objects.filter(person_id=gus.pk).order_by("at", "seq")
    events = [(event.kind, event.data.get("deal"), event.data.get("amount")) for event in told]
    assert events == [
        ("person_described", None, None),
        ("deal_opened", "7", 120050),
        ("deal_opened", "8", 9000),
        ("deal_won", "7", 120050),
        ("deal_lost", "8", 9000),
    ]
    to_the_end(
        client,
        "Activity type,Due date,Subject,Contact email\nCall,05/06/2025,Price,gus@acme.example\n"
        "Dance,05/06/2025,No,gus@acme.example\nCall,05/06/2099,Later,gus@acme.example\n",
    )
    assert Event.objects.get(kind="call_made", person_id=gus.pk).data == {"subject": "Price"}
    assert Import.objects.latest("pk").refused == 2


def test_what_a_deal_or_a_call_tells_of_its_person_fills_what_is_empty(world: World) -> None:
    client = signed_in(world)
    table = (
        "Person - Name,Person - Email,Person - Phone,Organization - Name,Deal - Title,Deal - Status,Deal - Won time\n"
        "Ana L.,ana@acme.example,+351 912 000 111,other.example,Fleet,Won,2024-05-01\n"
        "Kaj Berg,kaj@firm.example,+46 8 123 456 78,firm.example,Crane,Won,2024-05-01\n"
        "Kaj Berg,kaj@firm.example,+46 8 123 456 78,firm.example,Truck,Won,2024-06-01\n"
        "Nobody,no@firm.example,,firm.example,Boat,Won,2099-06-01\n"
    )
    works_at = Person.objects.get(email="ana@acme.example").company_id
    found = to_the_end(client, table)
    ana, kaj = Person.objects.get(email="ana@acme.example"), Person.objects.get(email="kaj@firm.example")
    assert (ana.name, ana.phone, ana.company_id) == ("Ana Lima", "+351 912 000 111", works_at)
    assert (kaj.name, kaj.phone, kaj.company and kaj.company.key) == ("Kaj Berg", "+46 8 123 456 78", "firm.example")
    told = Event.objects.filter(source=f"import:{found.pk}", kind="person_described").exclude(by="system")
    assert told.count() == 2  # Kaj is told of once, though he has two deals
    assert not Person.objects.filter(email="no@firm.example").exists()  # a deal to come is refused, whole
    client.post(reverse("import-undoing", args=[found.pk]))
    work()
    assert Person.objects.get(pk=ana.pk).phone == ""
    assert not Person.objects.filter(pk=kaj.pk).exists()
    to_the_end(
        client,
        "Activity type,Due date,Contact email,Contact person\nCall,05/06/2025,gus@acme.example,Gus Nord\n",
    )
    assert Person.objects.get(email="gus@acme.example").name == "Gus Nord"


def test_a_bought_list_carries_its_basis_and_overwrites_nobody(world: World) -> None:
    client, content = (
        signed_in(world),
        "Email,Job Title,City\nana@acme.example,Boss,Oslo\nnew@list.example,Buyer,Bergen\n",
    )
    address = upload(client, content, kind="list").headers["Location"]
    refused = client.post(f"{address}/mapping", {"basis": "consent", "source": "Listco"})
    assert (refused.status_code, "where the proof of their consent is kept" in refused.content.decode()) == (422, True)
    client.post(f"{address}/mapping", {"basis": "consent", "source": "Listco", "proof": "contract 7"})
    work()
    client.post(f"{address}/run")
    work()
    ana = Person.objects.get(email="ana@acme.example")
    assert (ana.title, ana.traits["city"], ana.traits["legal_basis"]) == ("Head of IT", "Oslo", "consent")
    said = {"seller": "Listco", "legal_basis": "consent", "proof": "contract 7"}
    for kind in ("imported", "consent_given"):
        assert [event.data for event in Event.objects.filter(kind=kind)] == [said, said]


def test_without_scripts_a_bought_list_is_asked_after_by_a_button(world: World) -> None:
    client = signed_in(world)
    address = upload(client, "Email,City\nana@acme.example,Oslo\n").headers["Location"]
    assert 'name="basis"' not in client.get(address).content.decode()
    page = client.post(f"{address}/mapping", {"act": "kind", "kind": "list"}, follow=True).content.decode()
    assert 'name="basis"' in page and 'name="source"' in page and ">Guess anew<" in page


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("run.exe", b"x", "is no table we read"),
        ("empty.csv", b"", "empty.csv is empty"),
        ("book.xlsx", b"PK not a book", "book.xlsx is no workbook that can be read"),
        ("../../../etc/x.csv", b'"a', "x.csv: the header cannot be read"),
    ],
)
def test_what_is_no_table_is_refused_in_words_and_nothing_stays(
    world: World, home: Path, name: str, content: bytes, words: str
) -> None:
    answer = upload(signed_in(world), content, name)
    assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert not Upload.objects.exists()
    assert not [path for path in home.rglob("*") if path.is_file() and "uploads" in path.parts]


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rung.web.uploading.MOST_BYTES", -(1 << 16) + 100)
    assert upload(signed_in(world)).status_code == 400
    assert not Upload.objects.exists()


def test_an_import_that_was_killed_goes_on_where_it_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(world)
    rows = "".join(f"p{n}@acme.example,Buyer\n" for n in range(40))
    address = upload(client, f"Email,Job Title\n{rows}").headers["Location"]
    client.post(f"{address}/mapping")
    work()
    client.post(f"{address}/run")
    from rung.lifecycle.many import bulk

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> int:
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(bulk, "_decide_touched", killed)
        found = Upload.objects.get()
        with pytest.raises(Killed):
            uploads.run_asked({"upload": found.pk}, now())
    assert Upload.objects.get().state == "running"
    uploads.run_asked({"upload": found.pk}, now())
    brought = Import.objects.get()
    assert (Upload.objects.get().state, brought.accepted, brought.rows) == ("done", 40, 40)
    assert Event.objects.filter(source=f"import:{brought.pk}").count() == 40


def test_sales_does_not_import(world: World) -> None:
    client = signed_in(world, "sales")
    assert client.get(reverse("imports")).status_code == 403
    assert upload(client).status_code == 403


def test_the_list_shows_imports_of_commands_too(world: World) -> None:
    Import.objects.create(name="old.csv", kind="people", created_at=1, created_by="rung", rows=4, accepted=4)
    page = signed_in(world).get(reverse("imports")).content.decode()
    assert "old.csv" in page and "in force" in page


def test_a_workbook_comes_in_with_its_own_dates(world: World) -> None:
    import xlsxwriter

    to = io.BytesIO()
    book = xlsxwriter.Workbook(to, {"in_memory": True})
    sheet = book.add_worksheet()
    for row, cells in enumerate([["Email", "Create Date", "Seats"], ["x@y.example", 45631, 12.0]]):
        sheet.write_row(row, 0, cells)
    book.close()
    client = signed_in(world)
    address = upload(client, to.getvalue(), "book.xlsx").headers["Location"]
    client.post(f"{address}/mapping")
    work()
    client.post(f"{address}/run")
    work()
    event = Event.objects.get(person_id=Person.objects.get(email="x@y.example").pk)
    assert (event.at, event.data["seats"]) == (1_733_353_200_000_000, 12)  # 5 December 2024 in Berlin


def test_of_a_workbook_the_sheet_that_says_most_is_meant_and_another_can_be(world: World) -> None:
    told = io.BytesIO()
    with xlsxwriter.Workbook(told) as book:
        book.add_worksheet("Notes").write_column(0, 0, ["Exported by the agency", "Do not share"])
        people = book.add_worksheet("Contacts")
        people.merge_range(0, 0, 0, 2, "Contacts of the autumn")
        people.write_row(1, 0, ["Name", "Email", "Company"])
        people.write_row(2, 0, ["Ana Lima", "ana@acme.example", "acme.example"])
        firms = book.add_worksheet("Firms")
        firms.write_row(0, 0, ["Company name", "Industry"])
        firms.write_row(1, 0, ["acme.example", "Shipping"])
    client = signed_in(world)
    address = upload(client, told.getvalue(), name="agency.xlsx").headers["Location"]
    page = client.get(address)
    assert "3 of 3 columns are understood" in words_of(page)
    assert "Sheet Notes Contacts Firms Look at this one" in words_of(page)
    assert '<option value="1" selected>Contacts</option>' in page.content.decode()
    assert client.post(f"{address}/mapping", {"act": "sheet", "sheet": "2"}).status_code == 302
    page = client.get(address)
    assert "2 of 2 columns are understood" in words_of(page)
    assert "agency.xlsx, companies." in words_of(page)
    assert client.post(f"{address}/mapping", {"act": "sheet", "sheet": "3"}).status_code == 422


def given_up(kind: str) -> None:
    Outbox.objects.filter(kind=kind).update(failed_at=now(), attempts=8, last_error="killed", done_at=None)


def test_an_import_that_was_given_up_says_so_and_goes_on_when_asked(world: World) -> None:
    client = signed_in(world)
    address = upload(client).headers["Location"]
    client.post(f"{address}/mapping")
    given_up(uploads.TRY)
    page = client.get(address).content.decode()
    assert "contacts.csv stopped halfway" in page and "it goes on" not in page and "every 1s" not in page
    assert "stopped" in client.get(reverse("imports")).content.decode()
    assert client.post(f"{address}/run").status_code == 302
    work()
    assert Upload.objects.get().state == "tried"
    client.post(f"{address}/run")
    given_up(uploads.RUN)
    page = client.get(address).content.decode()
    assert "gave it up after 8 attempts" in page and "it goes on" not in page
    client.post(f"{address}/run")
    work()
    assert Upload.objects.get().state == "done"
    assert Audit.objects.filter(verb="went on with import").count() == 2


def test_an_undoing_that_was_given_up_says_so_and_can_be_asked_for_again(world: World) -> None:
    client = signed_in(world)
    found = to_the_end(client)
    client.post(reverse("import-undoing", args=[found.pk]))
    given_up(uploads.UNDO)
    page = client.get(reverse("import-done", args=[found.pk])).content.decode()
    assert "Taking it back stopped halfway" in page and "every 1s" not in page
    assert client.post(reverse("import-undoing", args=[found.pk])).status_code == 302
    work()
    assert Import.objects.get(pk=found.pk).undone_at is not None
