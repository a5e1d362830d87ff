"""Every address of the app, by room."""

from django.urls import include, path

urlpatterns = [path("", include("rung.web.urls")), path("", include("rung.demo.urls"))]

handler400 = "rung.web.errors.bad_request"
handler403 = "rung.web.errors.forbidden"
handler404 = "rung.web.errors.not_found"
handler500 = "rung.web.errors.failed"
