"""Who a row reaches and in which order rows stand, in the part of Python that Numba compiles: on lists or on arrays."""

from typing import Any, Final

NONE: Final = -1
MOST_COLLEAGUES: Final = 500
"""So many colleagues an event reaches; the rest is counted."""

SHORT: Final = 32


def sort_rows(person: Any, at: Any, seq: Any, starts: Any, order: Any) -> None:
    """Fills `order` with the rows by (person, at, seq), `starts` with where each person's begin.

    A counting sort by person, then each person's few rows by time: they arrive nearly in order. Rows of nobody (a
    company's own) come into no person's range.
    """
    n_people = len(starts) - 1
    for k in range(n_people + 1):
        starts[k] = 0
    for row in range(len(person)):
        if person[row] != NONE:
            starts[person[row] + 1] += 1
    for k in range(n_people):
        starts[k + 1] += starts[k]
    for row in range(len(person)):
        if person[row] != NONE:
            order[starts[person[row]]] = row
            starts[person[row]] += 1
    for k in range(n_people, 0, -1):
        starts[k] = starts[k - 1]
    starts[0] = 0
    for k in range(n_people):
        sort_by_time(at, seq, order, starts[k], starts[k + 1])


def sort_by_time(at: Any, seq: Any, order: Any, first: int, last: int) -> None:
    """Sorts a stretch of rows by (at, seq). Merges pieces when insertions go far."""
    far = 0
    for k in range(first + 1, last):
        row = order[k]
        moment = at[row]
        i = k - 1
        while i >= first and (at[order[i]] > moment or (at[order[i]] == moment and seq[order[i]] > seq[row])):
            order[i + 1] = order[i]
            i -= 1
        order[i + 1] = row
        far += k - 1 - i
        if far > SHORT * (last - first):
            merge_sort(at, seq, order, first, last)
            return


def merge_sort(at: Any, seq: Any, order: Any, first: int, last: int) -> None:
    """For people whose rows came in no order at all."""
    n = last - first
    width = 1
    spare = [order[first + k] for k in range(n)]
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            a, b = low, middle
            for k in range(low, high):
                x = order[first + a] if a < middle else NONE
                y = order[first + b] if b < high else NONE
                is_left = y == NONE or (x != NONE and (at[x] < at[y] or (at[x] == at[y] and seq[x] < seq[y])))
                if is_left:
                    spare[k] = x
                    a += 1
                else:
                    spare[k] = y
                    b += 1
        for k in range(n):
            order[first + k] = spare[k]
        width *= 2


def stretches(
    company: Any,
    at: Any,
    seq: Any,
    end_at: Any,
    end_seq: Any,
    starts: Any,
    entry_at: Any,
    entry_seq: Any,
    low: Any,
    high: Any,
) -> None:
    """Of each company's entries, sorted by (at, seq), those from one instant on and before another."""
    for k in range(len(company)):
        first, last = starts[company[k]], starts[company[k] + 1]
        low[k] = first_from(entry_at, entry_seq, first, last, at[k], seq[k])
        high[k] = first_from(entry_at, entry_seq, low[k], last, end_at[k], end_seq[k])


def first_from(entry_at: Any, entry_seq: Any, first: int, last: int, at: int, seq: int) -> int:
    """The first entry at or after (at, seq), `last` when there is none."""
    while first < last:
        middle = (first + last) // 2
        if entry_at[middle] < at or (entry_at[middle] == at and entry_seq[middle] < seq):
            first = middle + 1
        else:
            last = middle
    return first


def reach(steps: Any, n_companies: int, n_people: int, room: int, pairs: Any, counted: Any) -> int:
    """The one join: which row reaches whom by their company. Returns how many pairs there are.

    `steps` are, in order of (at, seq), rows of four: what (0 somebody comes to a company, 1 a colleague's event,
    2 a company is described), the company, the person, the row. Somebody who comes leaves where they were. Pairs
    (person, row) beyond the room are only counted; `counted[0]` counts the colleagues beyond the most.
    Members of a company stand in a chain in the order in which they came.
    """
    head = [NONE] * n_companies
    tail = [NONE] * n_companies
    after = [NONE] * n_people
    before = [NONE] * n_people
    at_company = [NONE] * n_people
    n = 0
    for k in range(len(steps) // 4):
        what, company, person, row = steps[4 * k], steps[4 * k + 1], steps[4 * k + 2], steps[4 * k + 3]
        if what == 0:
            old = at_company[person]
            if old != NONE:
                a, b = before[person], after[person]
                if a == NONE:
                    head[old] = b
                else:
                    after[a] = b
                if b == NONE:
                    tail[old] = a
                else:
                    before[b] = a
            at_company[person] = company
            before[person] = tail[company]
            after[person] = NONE
            if tail[company] == NONE:
                head[company] = person
            else:
                after[tail[company]] = person
            tail[company] = person
        else:
            reached = 0
            member = head[company]
            while member != NONE:
                if member != person:
                    if what == 1 and reached == MOST_COLLEAGUES:
                        counted[0] += 1
                    else:
                        reached += 1
                        if n < room:
                            pairs[2 * n] = member
                            pairs[2 * n + 1] = row
                        n += 1
                member = after[member]
    return n
