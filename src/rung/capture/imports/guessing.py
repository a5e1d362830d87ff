"""How HubSpot, Salesforce, Pipedrive and others call the columns of what they write."""

import functools
import re
from typing import Final

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
    "phone": tuple(
        "phone phone_number person_phone mobile mobilephone mobile_phone phone_1_value work_phone phone_work"
        " business_phone cell_phone telephone_number sms".split()
    ),
    "title": ("title", "job_title", "jobtitle", "position", "role", "person_job_title", "designation"),
    "country": ("country", "country_region", "mailing_country", "mailingcountry"),
    "city": ("city", "mailing_city", "mailingcity"),
    "state": ("state", "state_region", "mailing_state_province", "mailing_state"),
    "postal_code": ("postal_code", "postalcode", "zip", "zipcode", "zip_code", "mailing_zip_postal_code"),
    "source": ("source", "lead_source", "leadsource", "original_source", "origin"),
    "lead_status": ("lead_status", "status"),
    "owner": ("contact_owner", "lead_owner", "owner", "person_owner", "sales_owner"),
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
    "employees": (
        "number_of_employees",
        "numberofemployees",
        "employees",
        "no_of_employees",
        "employee_count",
        "company_size",
        "size",
    ),
    "revenue": ("annual_revenue", "annualrevenue", "revenue"),
    "country": ("country", "country_region", "billing_country", "billingcountry"),
    "city": ("city", "billing_city", "billingcity"),
    "owner": ("company_owner", "account_owner", "organization_owner"),
}
NAMES_A_COMPANY: Final = (
    "company_domain_name domain website website_url company company_account company_name account_name organization_name"
    " organization_1_name associated_company company_account_name organisation organization account employer"
    " firma firmenname unternehmen entreprise soci_t societe empresa azienda bedrijf"
).split()
KEYS: Final = (
    "record_id id leadid lead_id contact_id contactid person_id person_system_id prospect_id customer_id client_id"
    " user_id member_id subscriber_id lead_number customer_number client_number member_number"
).split()
CREATED: Final = tuple(
    "create_date created_date createddate created_time created_at creation_date person_created date_added"
    " created created_on date_created added_on added known_since customer_since contact_since"
    " subscription_date subscribed_at subscribed_on optin_time signup_date sign_up_date registration_date registered_at"
    " joined_on connected_on first_contact_date signed_up created_utc"
    " erstellt erstellt_am angelegt_am".split()
)
_PIPEDRIVE: Final = re.compile(r"^(Person|Organization|Deal|Lead|Activity|Note) - ", re.IGNORECASE)


@functools.lru_cache(maxsize=4_096)  # each column is compared with every name that we know
def slug(column: str) -> str:
    """`Person - E-mail (Work)*` → `person_e_mail_work`: the name a trait gets from a column."""
    return "_".join(re.findall(r"[a-z0-9]+", column.lower()))


def without_entity(column: str) -> str:
    """`Person - Phone` → `Phone`, as Pipedrive's columns begin with what they are of."""
    return _PIPEDRIVE.sub("", column)
