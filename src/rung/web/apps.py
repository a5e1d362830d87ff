"""The pages, as a Django app."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "rung.web"
    label = "web"
    verbose_name = "Pages"
