"""What columns are taken for, by their names alone."""

from collections.abc import Sequence

from rung.capture import columns


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
