"""The invented firm's web site, served locally in demo mode: read a page, fill a form, and watch yourself arrive."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from rung.access import keys
from rung.access.models import ApiKey
from rung.capture.forms import building
from rung.capture.models import Form
from rung.demo import firm

KEY: Final = "demo-site"


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its heading, its words, and where it leads."""

    title: str
    says: tuple[str, ...]
    leads: tuple[tuple[str, str], ...] = ()
    """(address within the site or a form, label)"""


PAGES: Final[dict[str, Page]] = {
    "": Page(
        "Plan with numbers, not with hope",
        (
            "Marlgate forecasts what you will sell, move and throw away, from the data you have already.",
            "Ports, dairies and shops plan their weeks with it. You are a visitor of their site now: look around.",
        ),
        (("product/forecast", "What Marlgate Forecast does"), ("customers/port-story", "How a port plans its berths")),
    ),
    "product/forecast": Page(
        "Marlgate Forecast",
        (
            "One forecast for sales, purchasing and the warehouse, with the error it had last month beside it.",
            "It reads your orders, the calendar and the weather, and says which of them it believed.",
        ),
        (("pricing", "What it costs"),),
    ),
    "pricing": Page(
        "Pricing",
        (
            "Team: € 490 a month for up to five planners. Company: € 1,900 a month for as many as you like.",
            "Both begin with four weeks on your own data. You pay when the forecast beats your spreadsheet.",
        ),
        (("f/demo", "See it with your data"), ("pricing/enterprise", "More than one site?")),
    ),
    "pricing/enterprise": Page(
        "Enterprise pricing",
        ("Several sites, your own cloud, a named planner on our side: priced by what it saves you.",),
        (("f/demo", "See it with your data"),),
    ),
    "customers/port-story": Page(
        "How a port plans its berths",
        (
            "Eleven berths, forty ships a week, one spreadsheet nobody dared to touch.",
            "After three months the ships waited four hours less, and the spreadsheet was gone.",
        ),
        (("papers", "The paper behind it"),),
    ),
    "papers": Page(
        "Papers",
        ("“Forecasting port volumes”: twelve pages on berths, trucks and weather. Yours for a name and an address.",),
        (("f/paper", "Send me the paper"),),
    ),
    "papers/port-volumes": Page(
        "Forecasting port volumes",
        (
            "Berths are planned by the ship, but the yard fills by the truck: forecast the trucks first.",
            "Wind above seven Beaufort moves a crane's day by half. It belongs in the plan, not in the excuse.",
            "Compare every forecast with last week's: the one that loses twice is not asked again.",
        ),
        (("f/demo", "See it with your data"),),
    ),
}
MENU: Final = (
    ("product/forecast", "Product"),
    ("pricing", "Pricing"),
    ("customers/port-story", "Customers"),
    ("papers", "Papers"),
)

_NAME: Final = {"name": "name", "label": "Your name", "is_required": True}
_EMAIL: Final = {"name": "email", "label": "Work e-mail", "kind": "email", "is_required": True}
_COMPANY: Final = {"name": "company", "label": "Company", "means": "company"}
_CONSENT: Final = "You may write to me about planning and forecasts now and then. I can stop it with one click."
_BACK: Final = [
    {"label": "Back to the site", "address": "/demo-site"},
    {"label": "See in Rung what came of it", "address": "/people"},
]
"""Where social links stand on a thank-you page: whoever tries the demo wants to go on from there."""
FORMS: Final[dict[str, dict[str, object]]] = {
    "demo": {
        "title": "See it with your data",
        "intro": "Forty minutes with a planner of ours, on a sample of your own numbers.",
        "button": "Ask for a demo",
        "kind": "demo_requested",
        "fields": [
            _NAME,
            _EMAIL,
            {"name": "title", "label": "Your role", "hint": "For instance: Head of planning", "is_required": True},
            _COMPANY,
            {
                "name": "industry",
                "label": "Industry",
                "kind": "select",
                "means": "company.industry",
                "is_required": True,
                "options": ["Logistics", "Manufacturing", "Software", "Retail", "Food", "Utilities"],
            },
            {
                "name": "size",
                "label": "People in the company",
                "kind": "select",
                "means": "company.employees",
                "is_required": True,
                "options": ["10 to 49", "50 to 250", "251 to 1000", "1001 and more"],
            },
            {"name": "problem", "label": "What should get better?", "kind": "textarea", "means": "bant.need"},
            {"name": "now", "label": "What do you plan with today?", "means": "competitor"},
            {"name": "heard", "label": "How did you hear about us?", "means": "heard"},
        ],
        "consent": _CONSENT,
        "thanks": {
            "next": "A planner of ours calls you. Here is what most people ask for first.",
            "says_when": True,
            "promised": {"label": "Forecasting port volumes (the paper)", "address": "/demo-site/papers/port-volumes"},
            "offer_says": "While you wait: see what it would cost.",
            "offer": {"label": "Read the prices", "address": "/demo-site/pricing"},
            "social": _BACK,
        },
    },
    "paper": {
        "title": "Forecasting port volumes",
        "intro": "Twelve pages on berths, trucks and the weather.",
        "button": "Send me the paper",
        "kind": "content_downloaded",
        "fields": [_NAME, _EMAIL, _COMPANY],
        "consent": _CONSENT,
        "thanks": {
            "next": "The paper is yours, right here and in your mail.",
            "promised": {"label": "Open the paper", "address": "/demo-site/papers/port-volumes"},
            "offer_says": "Most readers go on to look at their own numbers.",
            "offer": {"label": "See it with your data", "address": "/f/demo"},
            "social": _BACK,
        },
    },
}  # fmt: skip


@login_not_required
@require_GET
def page(request: HttpRequest, path: str = "") -> HttpResponse:
    """GET demo-site/<path>: a page of the invented firm, in the demo only."""
    found = PAGES.get(path.strip("/"))
    if not settings.RUNG_DEMO or found is None:
        raise Http404
    key = ApiKey.objects.filter(name=KEY, revoked_at=None).order_by("pk").first()
    context = {
        "firm": firm.NAME,
        "page": found,
        "menu": [(reverse("demo-site", args=[to]), label) for to, label in MENU],
        "leads": [(_address(to), label) for to, label in found.leads],
        "home": reverse("demo-site-home"),
        "key": key.shown if key else "",
    }
    return render(request, "demo/page.html", context)


def open_site(*, at: int) -> None:
    """The site's key and forms, where they are not there yet."""
    if not ApiKey.objects.filter(name=KEY).exists():
        keys.add_key(name=KEY, kind="publishable", by="demo", at=at)
    for slug, told in FORMS.items():
        if not Form.objects.filter(slug=slug).exists():
            form = building.save_form(slug=slug, told=told, by="demo", at=at)
            building.publish_form(slug=slug, number=form.version, by="demo", at=at)


def _address(to: str) -> str:
    return f"/{to}" if to.startswith("f/") else reverse("demo-site", args=[to])
