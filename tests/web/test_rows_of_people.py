"""Rows of a list and the frame of a page are drawn in one piece: what people wrote is text, and each sees their own."""

import re
from dataclasses import replace
from typing import Final

import pytest
from django.template import Context, Template
from django.test import Client

from rung.access.models import User
from rung.lifecycle.queries import LastEvent, PersonRow
from rung.playbook.loading import load
from rung.playbook.shipped import read
from rung.terms.instants import HOUR, parse_instant
from rung.web.people import line

NOW: Final = parse_instant("2026-11-26T09:00:00Z")
UUID: Final = "00000000-0000-0000-0000-00000000000a"
ROW: Final = PersonRow(
    id=10, uuid=UUID, name='Ana "<b>" Lima', email="ana@acme.example", title="Head & <i>chief</i>", company="A&B <Ltd>",
    company_uuid=UUID, stage="mql", status="active", lap=1, score=61.4, fit=20, engagement=41.4, temperature="hot",
    since_at=NOW - HOUR, last=LastEvent(7, "form_submitted", NOW - 5 * HOUR, {"form": "<Demo>"}), owner="Sam <s> Lee",
)  # fmt: skip


def drawn(row: PersonRow) -> list[str]:
    """The row's cells as they stand on the page, the box to select it first."""
    playbook = load(read("default"))
    template = Template("{% load people %}{% people_rows lines %}")
    html = template.render(Context({"lines": [line(row, playbook)], "now": NOW}))
    opening, *cells = re.split(r"<td[^>]*>", html.removesuffix("</tr>\n"))
    assert opening == f'<tr data-email="{row.email}" data-href="/people/{UUID}" aria-selected="false">'
    return [cell.removesuffix("</td>") for cell in cells]


def test_whatever_a_person_or_a_firm_is_called_is_text() -> None:
    box, name, company, rung, score, fit, happened, ago, owner = drawn(ROW)
    ana = "Ana &quot;&lt;b&gt;&quot; Lima"
    assert box.endswith(f'name="person" value="{UUID}" aria-label="Select {ana}">')
    assert name == (
        f'<a class="name cut" href="/people/{UUID}" title="{ana}, Head &amp; &lt;i&gt;chief&lt;/i&gt;">{ana}</a>'
    )
    firm = "A&amp;B &lt;Ltd&gt;"
    assert company == f'<a href="/companies/{UUID}" title="{firm}">{firm}</a>'
    assert rung == '<span class="rung" data-r="3">MQL</span>'
    assert (score, fit) == ("<b>61</b>", "20")
    assert happened == "Filled a form: &lt;Demo&gt;"
    assert ago == (
        '<time datetime="2026-11-26T04:00:00+00:00" title="26 November 2026, 04:00">5\N{NO-BREAK SPACE}h</time>'
    )
    assert owner == (
        '<span class="owner" title="Sam &lt;s&gt; Lee"><span class="av " aria-hidden="true">SL</span>'
        '<span class="sr">Sam &lt;s&gt; Lee</span></span>'
    )


def test_who_has_no_firm_no_owner_and_did_nothing_has_empty_cells() -> None:
    nobody = replace(ROW, name="Visitor 00000a", title="", company="", company_uuid="", last=None, owner="")
    _, name, company, _, _, _, happened, ago, owner = drawn(nobody)
    assert name == f'<a class="name cut" href="/people/{UUID}" title="Visitor 00000a">Visitor 00000a</a>'
    assert (company, happened, ago, owner) == ("", "", "–", "")


@pytest.mark.django_db
@pytest.mark.one_database
def test_everybody_sees_their_own_places_and_where_they_are(users: dict[str, User], client: Client) -> None:
    seen = {}
    for role in ("sales", "admin", "sales"):
        client.force_login(users[role])
        for page in ("/people", "/companies"):
            html = client.get(page).content.decode()
            side = html[html.index('<nav class="side"') : html.index("</nav>")]
            assert re.findall(r'href="([^"]+)"[^>]*aria-current="page"', side) == [page]
            found = re.findall(r'<a class="nav" href="([^"]+)"', side)
            assert seen.setdefault(role, found) == found
    assert set(seen["sales"]) < set(seen["admin"])
    assert set(seen["admin"]) - set(seen["sales"]) >= {"/forms", "/imports"}
