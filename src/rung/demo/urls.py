"""The addresses of the invented firm's site."""

from django.urls import path

from rung.demo import site

urlpatterns = [
    path("demo-site", site.page, name="demo-site-home"),
    path("demo-site/<path:path>", site.page, name="demo-site"),
]
