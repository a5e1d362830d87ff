"""What the layout reads from the visitor's cookies, so that the server draws the page right the first time."""

from django.http import HttpRequest

THEMES = ("light", "dark")
DENSITIES = ("compact", "roomy")


def look(request: HttpRequest) -> dict[str, str]:
    """`theme` is empty where the visitor follows their system; `density` is of tables."""
    theme = request.COOKIES.get("rung_theme", "")
    density = request.COOKIES.get("rung_density", "")
    return {
        "theme": theme if theme in THEMES else "",
        "density": density if density in DENSITIES else "compact",
    }
