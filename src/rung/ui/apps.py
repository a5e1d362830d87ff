"""The look, as a Django app: templates, static files and the tag library `ui`."""

from django.apps import AppConfig


class UiConfig(AppConfig):
    name = "rung.ui"
    label = "ui"
    verbose_name = "Look"
