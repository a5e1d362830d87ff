"""Numbers that open their people, where the page has people to open."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def opens(context: template.Context, cell: Any, css: str = "") -> SafeString | str:
    """A cell's number; on the screen a link to the people behind it."""
    base = context.get("people_href")
    if not base or not cell.query:
        return format_html('<span class="{}">{}</span>', css, cell.text) if css else str(cell.text)
    return format_html('<a class="opens {}" href="{}?{}">{}</a>', css, base, cell.query, cell.text)
