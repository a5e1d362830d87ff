"""The addresses of the pages. Verbs are nouns; GET changes nothing."""

from django.urls import path

from rung.web import companies, design, people, search, sign_in

urlpatterns = [
    path("", sign_in.home, name="home"),
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-in/faces/<str:role>", sign_in.face, name="face"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("search", search.search, name="search"),
    path("people", people.people, name="people"),
    path("people/counts", people.people_counts, name="people-counts"),
    path("companies", companies.companies, name="companies"),
    path("companies/<uuid:uuid>", companies.company, name="company"),
    path("design", design.design, name="design"),
]
