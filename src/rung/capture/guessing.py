"""What a table's columns mean, guessed from their names as HubSpot, Salesforce, Pipedrive and others write them."""

import re
from typing import Final
from zoneinfo import ZoneInfo

from rung.capture.mapping import TableMapping, Value

UTC: Final = ZoneInfo("UTC")

_ELSEWHERE: Final[dict[str, str]] = {
    "email": "e_mail_adresse mail mailadresse courriel adresse_e_mail correo correo_electr_nico correo_electronico",
    "first_name": "vorname pr_nom prenom nombre voornaam",
    "last_name": "nachname familienname nom nom_de_famille apellido apellidos cognome achternaam sobrenome apelido",
    "name": "ansprechpartner ansprechpartnerin vollst_ndiger_name nom_complet nombre_completo nome_completo",
    "phone": "telefon telefonnummer handy mobil tel telephone t_l_phone tel_fono telefono telefone telem_vel telefoon",
    "title": "berufsbezeichnung stellenbezeichnung funktion fonction poste cargo puesto functie",
    "country": "land pays pa_s pais paese",
    "city": "stadt ort ville ciudad cidade citt plaats",
    "postal_code": "plz postleitzahl code_postal c_digo_postal postcode",
    "source": "quelle herkunft fuente origem",
}
"""Trait → what its column is called in German, French, Spanish, Portuguese, Italian and Dutch exports, as `slug` writes
it (letters with marks fall away)."""

_PERSON: Final[dict[str, tuple[str, ...]]] = {
    "email": ("email", "e_mail", "email_address", "person_email_work", "person_email", "e_mail_1_value", "work_email"),
    "first_name": ("first_name", "firstname", "given_name", "person_first_name"),
    "last_name": ("last_name", "lastname", "family_name", "surname", "person_last_name"),
    "name": ("name", "full_name", "fullname", "contact_name", "person_name", "lead_name"),
    "phone": ("phone", "phone_number", "person_phone", "mobile", "mobilephone", "mobile_phone", "phone_1_value"),
    "title": ("title", "job_title", "jobtitle", "position", "role", "person_job_title"),
    "country": ("country", "country_region", "mailing_country", "mailingcountry"),
    "city": ("city", "mailing_city", "mailingcity"),
    "state": ("state", "state_region", "mailing_state_province", "mailing_state"),
    "postal_code": ("postal_code", "postalcode", "zip", "zipcode", "zip_code", "mailing_zip_postal_code"),
    "source": ("source", "lead_source", "leadsource", "original_source", "origin"),
    "lead_status": ("lead_status", "status"),
    "owner": ("contact_owner", "lead_owner", "owner", "person_owner"),
}
PERSON: Final = {trait: (*names, *_ELSEWHERE.get(trait, "").split()) for trait, names in _PERSON.items()}
COMPANY: Final[dict[str, tuple[str, ...]]] = {
    "name": (
        "company_name",
        "company",
        "name",
        "account_name",
        "account",
        "organization_name",
        "organisation",
        "firma",
        "firmenname",
        "unternehmen",
        "entreprise",
        "soci_t",
        "empresa",
        "azienda",
        "bedrijf",
    ),
    "website": ("website_url", "website", "company_domain_name", "domain", "web"),
    "industry": ("industry", "sector", "organization_industry"),
    "employees": ("number_of_employees", "numberofemployees", "employees", "employee_count", "size"),
    "revenue": ("annual_revenue", "annualrevenue", "revenue"),
    "country": ("country", "country_region", "billing_country", "billingcountry"),
    "city": ("city", "billing_city", "billingcity"),
    "owner": ("company_owner", "account_owner", "organization_owner"),
}
NAMES_A_COMPANY: Final = (
    "company_domain_name domain website website_url company company_account company_name account_name organization_name"
    " organization_1_name associated_company company_account_name organisation"
    " firma firmenname unternehmen entreprise soci_t societe empresa azienda bedrijf"
).split()
KEYS: Final = ("record_id", "id", "leadid", "lead_id", "contact_id", "contactid", "person_id", "person_system_id")
CREATED: Final = tuple(
    "create_date created_date createddate created_time created_at creation_date person_created date_added"
    " created created_on date_created added_on added known_since customer_since contact_since"
    " erstellt erstellt_am angelegt_am".split()
)
_NUMBERS: Final = frozenset({"employees", "revenue"})
_PIPEDRIVE: Final = re.compile(r"^(Person|Organization|Deal|Lead|Activity|Note) - ", re.IGNORECASE)
KINDS: Final = ("people", "companies")


def guessed(header: tuple[str, ...], kind: str | None, zone: ZoneInfo = UTC) -> TableMapping | None:
    """A mapping for the table, or None where its columns name neither a person nor a company. `zone`: of times without
    an offset.

    Columns that nobody knows become text traits under their own names: nothing of a file is lost.
    """
    slugs = {column: slug(column) for column in header}
    if kind is None:
        kind = "people" if _first(slugs, PERSON["email"]) or _is_of_people(slugs) else "companies"
    return _people(slugs, zone) if kind == "people" else _companies(slugs, zone)


def slug(column: str) -> str:
    """`Person - E-mail (Work)*` → `person_e_mail_work`: the name a trait gets from a column."""
    return "_".join(re.findall(r"[a-z0-9]+", column.lower()))


def without_entity(column: str) -> str:
    """`Person - Phone` → `Phone`, as Pipedrive's columns begin with what they are of."""
    return _PIPEDRIVE.sub("", column)


def _is_of_people(slugs: dict[str, str]) -> bool:
    names = set(slugs.values())
    return bool(names & {*PERSON["first_name"], *PERSON["last_name"], "person_name", "full_name"})


def _people(slugs: dict[str, str], zone: ZoneInfo) -> TableMapping | None:
    email = _first(slugs, PERSON["email"])
    key = email or _first(slugs, KEYS) or _first(slugs, PERSON["phone"])
    if key is None:
        return None
    company = _first(slugs, NAMES_A_COMPANY)
    traits = _known(slugs, PERSON)
    taken = {value.column for value in traits.values()} | {company}
    return TableMapping(
        name="people",
        columns=frozenset(slugs),
        person=_key(email, _first(slugs, KEYS)) if email else Value(column=key),
        company=Value(column=company) if company else None,
        at=_created(slugs, zone),
        traits={**traits, **_others(slugs, taken, traits)},
        company_traits={},
        events=(),
        is_company_sought=True,
    )


def _companies(slugs: dict[str, str], zone: ZoneInfo) -> TableMapping | None:
    key = _first(slugs, COMPANY["website"]) or _first(slugs, COMPANY["name"])
    if key is None:
        return None
    traits = _known(slugs, COMPANY)
    taken: set[str | None] = {value.column for value in traits.values()}
    return TableMapping(
        name="companies",
        columns=frozenset(slugs),
        person=None,
        company=Value(column=key),
        at=_created(slugs, zone),
        traits={},
        company_traits={**traits, **_others(slugs, taken, traits)},
        events=(),
    )


def _key(email: str, id_: str | None) -> Value:
    """The e-mail; a row without one is known by its record id."""
    return Value(column=email, fallbacks=(id_,) if id_ else (), addresses=frozenset({email}))


def _known(slugs: dict[str, str], vocabulary: dict[str, tuple[str, ...]]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for trait, names in vocabulary.items():
        column = _first(slugs, names)
        if column is not None and column not in {value.column for value in found.values()}:
            found[trait] = Value(column=column, type="number" if trait in _NUMBERS else "text")
    return found


def _others(slugs: dict[str, str], taken: set[str | None], traits: dict[str, Value]) -> dict[str, Value]:
    """Columns that no vocabulary knows, under their own names; dates of creation are times, not traits."""
    created = _first(slugs, CREATED)
    return {
        slug_: Value(column=column)
        for column, slug_ in slugs.items()
        if column not in taken and column != created and slug_ and slug_ not in traits
    }


def _created(slugs: dict[str, str], zone: ZoneInfo) -> Value | None:
    column = _first(slugs, CREATED)
    formats = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z")
    return Value(column=column, formats=formats, zone=zone, or_now=True) if column else None


def _first(slugs: dict[str, str], names: tuple[str, ...] | list[str]) -> str | None:
    """The first column, in the order of the vocabulary, that bears one of the names."""
    for name in names:
        for column, slug_ in slugs.items():
            if slug_ in {name, f"{name}_work"} or slug(without_entity(column)) == name:
                return column
    return None
