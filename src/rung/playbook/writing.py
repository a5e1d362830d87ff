"""Changes to a playbook's text that leave the rest of it as somebody wrote it: comments, order, quotes."""

import re
from collections.abc import Sequence
from datetime import date
from io import StringIO
from typing import Any, Final

from ruamel.yaml import YAML

from rung.playbook.definitions import SIDES, Playbook, Side
from rung.playbook.loading import load
from rung.playbook.tree import Table, read

DIGITS_SIGNED: Final = 12
"""How much of the version a signature that we write names: enough to tell versions apart, short enough to read."""
_WIDTH: Final = 160


def opened(text: str) -> Any:
    """The text as ruamel's own tree, which keeps comments and quotes: change it in place, then `written`.

    The text must be a playbook that loads: what the stricter reader refuses is not met here.
    """
    return _yaml().load(text)


def written(tree: Any) -> str:
    """The tree as text again."""
    out = StringIO()
    _yaml().dump(tree, out)
    return out.getvalue()


def signed_by(text: str, *, side: Side, who: str, on: date) -> str:
    """The text with the side's signature under what it says now; signatures under other versions are taken out.

    Raises PlaybookRefused where the text is no playbook, ValueError for a name that no signature can hold.
    """
    name = " ".join(who.split())
    if not name or not name[0].isalpha() or not name.isprintable() or set(name) & set(":#"):
        raise ValueError("A signature is a name: it begins with a letter and holds no : and no #.")
    playbook = load(text)
    signatures = {s.side: f"{s.who} {s.signed_date.isoformat()} {s.version}" for s in _standing(playbook)}
    signatures[side] = f"{name} {on.isoformat()} {playbook.version[:DIGITS_SIGNED]}"
    lines = ["signed:", *(f"  {each}: {signatures[each]}" for each in SIDES if each in signatures)]
    return _kept(playbook, with_section(text, "signed", lines))


def to_be_reviewed(text: str, *, by: date) -> str:
    """The text with the day on which both sides read it again."""
    return _kept(load(text), with_section(text, "review_by", [f"review_by: {by.isoformat()}"]))


def with_section(text: str, key: str, lines: Sequence[str]) -> str:
    """The text with the lines in place of the section, or behind the name of the playbook where there is none.

    Everything else stays letter by letter. A file that is one mapping in braces is written out in full first.
    """
    root, _ = read(text, "playbook.yaml")
    assert isinstance(root, Table)
    content = text.removeprefix("\ufeff").split("\n")
    starts = {name: entry.line - 1 for name, entry in root.entries.items()}
    if any(not re.match(rf"""["']?{re.escape(name)}["']?\s*:""", content[at]) for name, at in starts.items()):
        return with_section(written(_in_blocks(opened(text))), key, lines)
    if key in starts:
        first, last = starts[key], _end(content, starts, key)
    else:
        before = "name" if "name" in starts else "playbook"
        first = last = _end(content, starts, before)
    return "\n".join([*content[:first], *lines, *content[last:]])


def _end(content: Sequence[str], starts: dict[str, int], key: str) -> int:
    """The line behind a section: comments and empty lines before the next one belong to the next one."""
    end = min((at for at in starts.values() if at > starts[key]), default=len(content))
    while end - 1 > starts[key] and (not content[end - 1].strip() or content[end - 1].startswith("#")):
        end -= 1
    return end


def _standing(playbook: Playbook) -> list[Any]:
    return [found for side in SIDES if (found := playbook.signature_of(side)) is not None]


def _kept(before: Playbook, text: str) -> str:
    """The text, having looked that it says the same: who signs must sign what was read."""
    if load(text).version != before.version:
        raise RuntimeError("writing a signature changed what the playbook says: a defect of ours")
    return text


def _in_blocks(tree: Any) -> Any:
    tree.fa.set_block_style()
    return tree


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    return yaml
