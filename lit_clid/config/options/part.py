"""Which part of some work is done: "k/n"."""

from lit_clid.errors import UserError


def read_part(key: str, words: str) -> tuple[int, int]:
    """(k, n) of "k/n".

    Raises:
        UserError: naming the key, unless 1 ≤ k ≤ n.
    """
    k, _, n = words.partition("/")
    if not (k.isdecimal() and n.isdecimal()) or not 1 <= int(k) <= int(n):
        raise UserError(f"{key}: {words!r} is not a part such as 2/8")
    return int(k), int(n)
