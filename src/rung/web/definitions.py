"""Several definitions on the same people: one table, one picture, and which is nearest to how sales decided."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from rung.access.models import User
from rung.insight import printing, trying_later
from rung.insight.models import Backtest
from rung.jobs.clock import now as this_instant
from rung.lifecycle import published
from rung.playbook.shipped import ARTICLES
from rung.playbook.shipped import read as shipped_text
from rung.web import shell
from rung.web.trials import named


@require_http_methods(["GET", "POST"])
def definitions(request: HttpRequest) -> HttpResponse:
    """GET playbook/definitions: the latest comparison of the playbook in force with the five articles'; POST asks."""
    force = published.in_force().playbook
    if request.method == "POST":
        if not isinstance(request.user, User):
            raise PermissionDenied
        texts = [force.text, *(shipped_text(name) for name in ARTICLES)]
        trying_later.ask_to_compare(texts=texts, by=request.user, at=this_instant())
        return HttpResponseRedirect(reverse("definitions"), status=303)
    runs = Backtest.objects.filter(texts__isnull=False, old_version=force.version).order_by("-pk")
    done = runs.filter(state="done").first()
    context: dict[str, object] = {
        "run": runs.first(),
        "names": [trying_later.read(shipped_text(name)).name for name in ARTICLES],
    }
    if done is not None:
        found = trying_later.comparison_of(done)
        told = printing.comparison_context(found, force)
        people = named({each.person for each in found.shown})
        for row in told["shown"]:
            row["name"], row["sub"], row["href"] = people.get(row["name"], (row["name"], "", ""))
        context |= told
    return shell.page(request, "web/definitions.html", context, place="playbook")
