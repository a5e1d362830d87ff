"""Placeholder until the queries are written."""

from django.http import HttpRequest, HttpResponse

from rung.web import shell


def people(request: HttpRequest) -> HttpResponse:
    return shell.page(request, "web/people.html", place="people")
