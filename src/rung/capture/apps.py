"""The room as Django knows it."""

from django.apps import AppConfig


class Capture(AppConfig):
    name = "rung.capture"
    label = "capture"
