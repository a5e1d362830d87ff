"""What the command palette finds: people and companies by how their name or address begins, and by any key."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from rung.lifecycle import published, queries
from rung.terms.values import BadValue, clean_text
from rung.ui.tables import address
from rung.web import shell
from rung.web.links import company_href, people_href, person_href

LONGEST = 100


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Options of the palette's list box, as a piece of HTML."""
    try:
        text = clean_text(request.GET.get("q", "")[:LONGEST], "search")
    except BadValue:
        text = ""
    in_force = published.in_force()
    people, companies = queries.search(text, generation_id=in_force.generation_id) if text else ((), ())
    playbook = in_force.playbook
    context = {
        "text": text,
        "people": [
            (row, person_href(row.uuid), playbook.short_label(row.stage if row.status == "active" else row.status))
            for row in people
        ],
        "companies": [(company, company_href(str(company.uuid))) for company in companies],
        "all_people": address(people_href(), q=text),
    }
    return shell.page(request, "web/search.html", context)
