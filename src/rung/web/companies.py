"""Placeholder until the queries are written."""

from django.http import HttpRequest, HttpResponse

from rung.web import shell


def companies(request: HttpRequest) -> HttpResponse:
    return shell.page(request, "web/companies.html", place="companies")


def company(request: HttpRequest, uuid: object) -> HttpResponse:
    return shell.page(request, "web/companies.html")
