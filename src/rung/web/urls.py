"""The addresses of the pages. Verbs are nouns; GET changes nothing."""

from django.urls import path

from rung.web import companies, design, interview, ladder, people, person, playbook, search, sign_in

urlpatterns = [
    path("", sign_in.home, name="home"),
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-in/faces/<str:role>", sign_in.face, name="face"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("search", search.search, name="search"),
    path("ladder", ladder.ladder, name="ladder"),
    path("people", people.people, name="people"),
    path("people/counts", people.people_counts, name="people-counts"),
    path("people/<uuid:uuid>", person.person, name="person"),
    path("people/<uuid:uuid>/standing", person.standing, name="person-standing"),
    path("companies", companies.companies, name="companies"),
    path("companies/<uuid:uuid>", companies.company, name="company"),
    path("playbook", playbook.playbook, name="playbook"),
    path("playbook/verdict", playbook.checked, name="playbook-verdict"),
    path("playbook/publication", playbook.publication, name="playbook-publication"),
    path("playbook/publication/state", playbook.publication_state, name="playbook-publication-state"),
    path("playbook/versions/<str:version>", playbook.version, name="playbook-version"),
    path("interviews", interview.interviews, name="interviews"),
    path("interviews/new", interview.begin, name="interviews-new"),
    path("interviews/<uuid:uuid>/<int:number>", interview.question, name="interview-question"),
    path("interviews/<uuid:uuid>/<int:number>/answer", interview.answer, name="interview-answer"),
    path("interviews/<uuid:uuid>/<int:number>/effect", interview.effect, name="interview-effect"),
    path("interviews/<uuid:uuid>/<int:number>/evidence", interview.evidence, name="interview-evidence"),
    path("interviews/<uuid:uuid>/agreement", interview.agreement, name="interview-agreement"),
    path("design", design.design, name="design"),
]
