"""Placeholder until the queries are written."""

from django.http import HttpRequest, HttpResponse

from rung.web import shell


def search(request: HttpRequest) -> HttpResponse:
    return shell.page(request, "web/search.html", place="search")
