"""What columns are taken for, by their names alone."""

from collections.abc import Sequence

import pytest

from rung.capture.imports import columns


def meant(header: Sequence[str]) -> dict[str, str]:
    """Column → what it is taken for, of those that are taken for something."""
    found = columns.guessed(header, columns.kind_of(header), [])
    return {choice.column: choice.to for choice in found.columns if choice.to not in (columns.OWN, columns.LEFT_OUT)}


def test_a_pipedrive_deal_is_won_by_its_status_not_by_its_stage_and_ends_when_it_was_won_or_lost() -> None:
    header = ["Person - Email (Work)", "Deal - Stage", "Deal - Status", "Deal - Won time", "Deal - Lost time"]
    assert columns.kind_of(header) == "deals"
    assert meant(header) == {
        "Person - Email (Work)": "person.email",
        "Deal - Status": "deal.status",
        "Deal - Won time": "deal.closed",
        "Deal - Lost time": "deal.closed",
    }
    assert columns.faults(columns.guessed([*header, "Deal - Deal created"], "deals", [])) == []


def test_the_person_of_a_deal_is_told_apart_from_the_deal() -> None:
    assert meant(["Person - Name", "Person - Email", "Person - Phone", "Deal - Title", "Deal - Status"]) == {
        "Person - Name": "person.name",
        "Person - Email": "person.email",
        "Person - Phone": "person.phone",
        "Deal - Title": "deal.name",
        "Deal - Status": "deal.status",
    }
    told = meant(["Contact Email", "Contact Person", "Deal Name", "Title", "Deal Stage"])
    assert (told["Contact Person"], told["Deal Name"], told.get("Title")) == ("person.name", "deal.name", None)
    # A number is a switchboard's, too: it does not say whose deal it is.
    numbers = columns.guessed(["Person - Phone", "Deal - Status", "Deal - Won time"], "deals", [])
    assert columns.faults(numbers) == ["Say which column names the person: an e-mail address, else a record id."]


def test_a_deal_without_a_status_is_read_by_its_stage() -> None:
    assert meant(["Contact Email", "Deal Name", "Deal Stage", "Close Date"])["Deal Stage"] == "deal.status"
    assert meant(["ContactId", "StageName", "CloseDate"])["StageName"] == "deal.status"


def test_exports_in_other_languages_are_understood() -> None:
    assert meant(["E-Mail", "Vorname", "Nachname", "Firma", "PLZ", "Ort", "Telefon", "Funktion"]) == {
        "E-Mail": "person.email",
        "Vorname": "person.first_name",
        "Nachname": "person.last_name",
        "Firma": "company",
        "PLZ": "person.postal_code",
        "Ort": "person.city",
        "Telefon": "person.phone",
        "Funktion": "person.title",
    }
    assert meant(["Courriel", "Prénom", "Nom", "Société", "Pays"]) == {
        "Courriel": "person.email",
        "Prénom": "person.first_name",
        "Nom": "person.last_name",
        "Société": "company",
        "Pays": "person.country",
    }


def test_leads_with_numbered_columns_and_a_stage_of_their_deal_are_people() -> None:
    header = "Account Id,Lead Owner,First Name,Last Name,Company,Phone 1,Email 1,Website,Source,Deal Stage".split(",")
    assert columns.kind_of(header) == "people"
    told = meant(header)
    assert (told["Email 1"], told["Phone 1"], told["Website"]) == ("person.email", "person.phone", "company")
    assert (told["Company"], "Deal Stage" in told) == ("company.name", False)


def test_a_table_of_leads_without_names_and_addresses_knows_them_by_their_id() -> None:
    header = ["Prospect ID", "Lead Number", "Lead Source", "Do Not Email", "TotalVisits", "Country"]
    assert columns.kind_of(header) == "people"
    assert meant(header) == {
        "Prospect ID": "person.id",
        "Lead Source": "person.source",
        "Do Not Email": "unsubscribed",
        "Country": "person.country",
    }


def test_whom_linkedin_gives_no_address_is_known_by_their_page_there() -> None:
    header = ["First Name", "Last Name", "URL", "Email Address", "Company", "Position", "Connected On"]
    row = dict(
        zip(header, ["Jo", "Dee", "https://www.linkedin.com/in/jo", None, "Acme", "CIO", "05 Mar 2023"], strict=True)
    )
    found = {choice.column: choice.to for choice in columns.guessed(header, columns.kind_of(header), [row]).columns}
    assert (found["URL"], found["Email Address"], found["Connected On"]) == ("person.id", "person.email", "at")
    assert columns.guessed(header, "people", []).columns[2].to == columns.OWN


def test_a_table_of_firms_that_have_numbers_is_one_of_firms() -> None:
    assert columns.kind_of(["Customer Id", "Company", "Website", "Industry"]) == "companies"
    assert columns.kind_of(["Opportunity Name", "Stage", "Deal Stage", "Account"]) == "deals"
    assert columns.kind_of(["opportunity_id", "sales_agent", "account", "deal_stage", "close_date"]) == "deals"


@pytest.mark.parametrize(
    ("header", "kind", "some"),
    [
        ("Opportunity Name,Account Name,Amount,Close Date,Stage,Contact: Email", "deals", {"Stage": "deal.status"}),
        ("Person - Name,Person - Email - Work,Person - Organization", "people", {"Person - Organization": "company"}),
        ("Deal - Title,Deal - Value,Deal - Status,Deal - Organization", "deals", {"Deal - Organization": "company"}),
        ("Email,First Name,Account,Date Created", "people", {"Account": "company", "Date Created": "at"}),
        ("EMAIL,LASTNAME,FIRSTNAME,SMS,EXT_ID", "people", {"SMS": "person.phone"}),
        ("Full Name,Created On,Email Address,Business Phone", "people", {"Business Phone": "person.phone"}),
        ("name,email,Signed up,Unsubscribed from Emails", "people", {"Unsubscribed from Emails": "unsubscribed"}),
        ("#,Your name?,What's your email address?,Company", "people", {"What's your email address?": "person.email"}),
        ("Invitee Name,Invitee Email,Event Type Name", "people", {"Invitee Email": "person.email"}),
        ("Company name,Company email,Website", "companies", {"Website": "company"}),
    ],
)  # fmt: skip
def test_exports_of_many_programs_are_understood(header: str, kind: str, some: dict[str, str]) -> None:
    columns_ = header.split(",")
    assert columns.kind_of(columns_) == kind
    assert meant(columns_).items() >= some.items()


def test_a_column_that_speaks_of_addresses_and_holds_none_is_no_address() -> None:
    header = ["Invitee Name", "May we email you?", "Your email"]
    row = dict(zip(header, ["Ana", "yes", "ana@acme.example"], strict=True))
    assert [choice.to for choice in columns.guessed(header, "people", [row]).columns] == ["own", "own", "person.email"]
