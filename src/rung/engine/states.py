"""What the engine remembers of people between two decisions, as bytes: written and read for many people at once."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from rung.engine import kernel as k
from rung.engine.encoding import Encoder
from rung.engine.program import ENGINE_VERSION, Program, as_value


class StaleState(Exception):
    """The state is of another playbook or engine: decide the person again from nothing."""


class Kept(msgspec.Struct, array_like=True, gc=False):
    """A stored state. Of a person's numbers only those are kept that differ from somebody's who is new.

    `seen`: (at, seq) of the last row, or the instant of a later flip; what lies before it comes too late. `differs`:
    a bit for each number; `numbers`: eight bytes for each that differs. `values`: what is known, as it was told, for
    numbers of values hold for one run only. `deals`: (deal, what became of it). `spoilt`: addresses that bounced.
    """

    version: tuple[int, str]
    seen: tuple[int, int]
    differs: bytes
    numbers: bytes
    values: dict[int, Any]
    deals: list[tuple[Any, int]]
    spoilt: list[str]


_OF_ONE_CALL: Final = (
    (k.ENGAGEMENT_AT, k.NONE),
    (k.ROW, k.NONE),
    (k.HAND_RAISED, 0),
    (k.N_MOVES, 0),
    (k.N_HANDOFFS, 0),
)
"""Places in a person that mean something only while one call runs, and what a state holds there."""
_FORGOTTEN: Final = [0]
"""Stands in a stored state for "told to be unknown"; no trait's value looks like it."""
_INTEGER: Final = np.dtype("<i8")
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Kept).decode


class States:
    """Reading and writing the states of one program's people."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._version = (ENGINE_VERSION, program.playbook.version)
        play = program.arrays
        who, sums = [0] * play.deals, [0.0] * (k.F_FIXED + play.n_signals)
        k.fresh(play, who, sums)
        self._slots, self._new = play.slots, np.array(who, _INTEGER)
        """Somebody who is new; behind `slots` a state keeps values, deals and addresses in words."""
        self._new_sums = np.array(sums)
        self._width = play.slots + len(sums)
        self._all_new = np.concatenate([self._new[: play.slots], self._new_sums.view(_INTEGER)])

    def decoded(self, state: bytes) -> Kept:
        """The state, of which the numbers are still as they are stored. Raises StaleState."""
        try:
            kept = _decode(state)
        except msgspec.MsgspecError as fault:
            raise StaleState("the state cannot be read") from fault
        if kept.version != self._version:
            raise StaleState("the state is of another playbook or engine")
        if 8 * int.from_bytes(kept.differs, "little").bit_count() != len(kept.numbers):
            raise StaleState("the state cannot be read")
        return kept

    def restored(self, everybody: Sequence[Kept | None], size: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The numbers of people, `size` each, and their sums; None is somebody new. Values are not among them."""
        n = len(everybody)
        who = np.zeros((n, size), np.int64)
        who[:, : len(self._new)] = self._new
        sums = np.tile(self._new_sums, (n, 1))
        places = [place for place, kept in enumerate(everybody) if kept is not None]
        if places:
            known = [kept for kept in everybody if kept is not None]
            bits = np.frombuffer(b"".join([kept.differs for kept in known]), np.uint8).reshape(len(known), -1)
            rows = np.tile(self._all_new, (len(known), 1))
            differs = np.unpackbits(bits, axis=1, count=self._width).view(np.bool_)
            rows[differs] = np.frombuffer(b"".join([kept.numbers for kept in known]), _INTEGER)
            who[places, : self._slots] = rows[:, : self._slots]
            sums[places] = rows[:, self._slots :].view(np.float64)
        return who, sums

    def stored(self, encoder: Encoder, who: NDArray[np.int64], sums: NDArray[np.float64]) -> list[bytes]:
        """The states of people whose values are those of the encoder."""
        rows = np.concatenate([who[:, : self._slots], sums.view(_INTEGER)], axis=1)
        for place, nothing in _OF_ONE_CALL:
            rows[:, place] = nothing
        differs = rows != self._all_new
        bits = np.packbits(differs, axis=1)
        all_bits, bit_ends = bits.tobytes(), range(bits.shape[1], bits.size + 1, bits.shape[1])
        numbers, ends = rows[differs].tobytes(), (8 * np.cumsum(differs.sum(axis=1))).tolist()
        version, width, start = self._version, bits.shape[1], 0
        found = []
        for bit_end, end, seen, values, deals, spoilt in zip(
            bit_ends, ends, _seen(who), self._values(encoder, who), *self._rest(encoder, who), strict=True
        ):
            told = all_bits[bit_end - width : bit_end], numbers[start:end]
            found.append(_encode(Kept(version, seen, *told, values, deals, spoilt)))
            start = end
        return found

    def _values(self, encoder: Encoder, who: NDArray[np.int64]) -> Iterator[dict[int, Any]]:
        """What each is known to be, by slot."""
        play, known = self.program.arrays, encoder.values
        for numbers in who[:, play.slots : play.slots + play.n_slots].tolist():
            yield {
                slot: _FORGOTTEN if (value := known[slot][number]) is None else value
                for slot, number in enumerate(numbers)
                if number
            }

    def _rest(self, encoder: Encoder, who: NDArray[np.int64]) -> tuple[list[Any], list[Any]]:
        """Each one's deals, and addresses that bounced: hardly anybody has any."""
        deals: list[list[tuple[Any, int]]] = [_NONE_OF_IT] * len(who)
        spoilt: list[list[str]] = [_NONE_OF_IT] * len(who)
        first = self.program.arrays.deals
        for place in np.flatnonzero(who[:, k.N_DEALS] | who[:, k.N_BOUNCED]).tolist():
            mine = who[place].tolist()
            behind = first + 2 * mine[k.N_DEALS]
            told = mine[first:behind]
            deals[place] = [(encoder.deals[deal], how) for deal, how in zip(told[::2], told[1::2], strict=True)]
            addresses = mine[behind : behind + mine[k.N_BOUNCED]]
            spoilt[place] = [str(encoder.values[k.EMAIL][address]) for address in addresses]
        return deals, spoilt


_NONE_OF_IT: Final[list[Any]] = []
"""Nobody writes into it."""


def _seen(who: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The last row, or (later) the last flip: what comes after it can still be told in order."""
    last_at, last_seq, now, has_rows = who[:, [k.LAST_AT, k.LAST_SEQ, k.NOW, k.HAS_ROWS]].T
    is_flip = now > last_at
    at = np.where(has_rows == 0, k.NONE, np.where(is_flip, now, last_at))
    return list(zip(at.tolist(), np.where(is_flip, 0, last_seq).tolist(), strict=True))


def room_of(kept: Kept) -> int:
    """How many numbers a person's deals and addresses need, one more deal each included."""
    return 2 * len(kept.deals) + len(kept.spoilt)


def put_values(encoder: Encoder, kept: Kept, mine: Any) -> None:
    """Puts the numbers that the person's values, deals and addresses have in this run into their row."""
    play = encoder.program.arrays
    first, value_id = play.slots, encoder.value_id
    for slot, value in kept.values.items():
        if type(value) is str:
            mine[first + slot] = value_id(slot, value)
        else:
            is_forgotten = value == _FORGOTTEN
            mine[first + slot] = encoder.forgotten_id(slot) if is_forgotten else value_id(slot, as_value(value))
    behind = play.deals
    for told, how in kept.deals:
        mine[behind], mine[behind + 1] = encoder.deal_id(told), how
        behind += 2
    for address in kept.spoilt:
        mine[behind] = value_id(k.EMAIL, address)
        behind += 1
