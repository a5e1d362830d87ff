"""Opening a history: a plain file, a packed one, or standard input."""

import contextlib
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, Final


class _Counted(io.RawIOBase):
    """A file that says how far it has been read; a damaged packed file ends where the damage begins."""

    def __init__(self, file: IO[bytes], advance: Callable[[int], object]) -> None:
        self._file, self._advance = file, advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]  # any buffer will do
        chunk = self._file.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self._advance(len(chunk))
        return len(chunk)


class Unpacked(io.RawIOBase):
    """What a .gz file holds, to the last byte before any damage. `damage` says why it ended early, if it did."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._member = zlib.decompressobj(_GZIP)
        self._packed = b""
        self.damage: str | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]  # any buffer will do
        while self.damage is None:
            packed = self._packed or self._file.read(_CHUNK)
            if not packed:
                if not self._member.eof:
                    self.damage = "it stops in the middle"
                return 0
            try:
                chunk = self._next(packed, len(buffer))
            except zlib.error as fault:
                self.damage = str(fault)
                return 0
            if chunk:
                buffer[: len(chunk)] = chunk
                return len(chunk)
        return 0

    def _next(self, packed: bytes, most: int) -> bytes:
        """Part of the content, at most so long; files that were packed one after the other are one."""
        if self._member.eof:
            self._member = zlib.decompressobj(_GZIP)
        chunk = self._member.decompress(packed, most)
        self._packed = self._member.unused_data.lstrip(b"\0") if self._member.eof else self._member.unconsumed_tail
        return chunk


_GZIP: Final = 31
"""How zlib is told to expect a gzip header."""
_CHUNK: Final = 1 << 18


def size_of(path: Path) -> int | None:
    """Bytes on the disk; None for standard input."""
    return None if str(path) == "-" else path.stat().st_size


@contextlib.contextmanager
def opened(path: Path, advance: Callable[[int], object] = lambda _: None) -> Iterator[BinaryIO]:
    """The history's bytes; `advance` is told of each part read from the disk. A packed file is known by its first
    bytes, whatever its name."""
    with contextlib.ExitStack() as stack:
        file = sys.stdin.buffer if str(path) == "-" else stack.enter_context(path.open("rb"))
        counted = io.BufferedReader(_Counted(file, advance), 1 << 20)
        if counted.peek(2)[:2] == b"\x1f\x8b":
            yield io.BufferedReader(Unpacked(counted), 1 << 20)
        else:
            yield counted


def damage_of(stream: BinaryIO) -> str | None:
    """Why a packed file ended early, if it did."""
    return getattr(getattr(stream, "raw", None), "damage", None)
