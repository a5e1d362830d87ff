"""Reading a page as a person does: its words, without the markup."""

import re
from html import unescape
from typing import Any

from django.utils.html import strip_tags


def words_of(response: Any) -> str:
    """The words of the page's main part, with single spaces; of the whole answer when it is a part of a page."""
    text = response.content.decode()
    if "<main" in text:
        text = "<main" + text.split("<main", 1)[1].split("</main>")[0]
    said = re.sub(r"\s+", " ", unescape(strip_tags(text.replace("<", " <")))).strip()
    return re.sub(r" ([,.:;])", r"\1", said)


def links_of(response: Any, css: str) -> list[str]:
    """The addresses of the links that carry the class."""
    found = re.findall(rf'<a class="{css}" href="([^"]*)"', response.content.decode())
    return [unescape(address) for address in found]
