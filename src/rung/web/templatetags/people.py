"""The rows of a list of people, one piece of markup each: fifty rows of twenty template tags cost a third of a page."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from rung.ui import words
from rung.ui.templatetags.ui import ago, avatar, rung
from rung.web.filters import Menu

if TYPE_CHECKING:
    from rung.web.people import Line

register = template.Library()

_ROW: Final = (
    '<tr data-email="{email}" data-href="{href}" aria-selected="false"><td><input type="checkbox" data-select'
    ' form="bulk" name="person" value="{uuid}" aria-label="Select {name}"></td><td class="cut"><a class="name cut"'
    ' href="{href}" title="{name}{title}">{name}</a></td><td class="cut sub2 hide-s">{company}</td><td>{rung}</td>'
    '<td class="num"><b>{score}</b></td><td class="num hide-s">{fit}</td><td class="cut sub2 hide-s"'
    ' title="{happened}">{happened}</td><td class="num dim hide-s">{ago}</td><td class="hide-s">{owner}</td></tr>\n'
)
_COMPANY: Final = '<a href="{}" title="{}">{}</a>'
_OWNER: Final = '<span class="owner" title="{}">{}<span class="sr">{}</span></span>'


@register.simple_tag(takes_context=True)
def people_rows(context: template.Context, lines: Sequence["Line"]) -> SafeString:
    """Each line as a row of the table whose columns are `web.people._columns`. Reads `now` and `zone` as `ago` does."""
    return format_html_join("", _ROW, (_told(context, line) for line in lines))


@register.simple_tag
@lru_cache(maxsize=16)
def filter_options(menu: Menu) -> SafeString:
    """What one can filter by, as options: some eighty, the same for everybody while a playbook is in force."""
    told = ((group, format_html_join("", _OPTION, items)) for group, items in menu)
    return format_html_join("", '<optgroup label="{}">{}</optgroup>', told)


_OPTION: Final = '<option value="{}">{}</option>'


def _told(context: template.Context, line: "Line") -> dict[str, Any]:
    row = line.row
    return {
        "email": row.email,
        "href": line.href,
        "uuid": row.uuid,
        "name": row.name,
        "title": f", {row.title}" if row.title else "",
        "company": format_html(_COMPANY, line.company_href, row.company, row.company) if line.company_href else "",
        "rung": rung(row.stage, line.rung_label, row.status),
        "score": words.number(row.score),
        "fit": words.number(row.fit),
        "happened": line.happened,
        "ago": ago(context, line.last_at),
        "owner": format_html(_OWNER, row.owner, avatar(row.owner), row.owner) if row.owner else "",
    }
