"""What is known of very many things by their digests, in one piece of memory."""

from threading import Lock

import numpy as np

FEWEST = 65_536
"""So many are objects before they are put to the others."""


class Known:
    """A digest of 16 bytes → `size` bytes; what was told lately is objects, the rest is sorted.

    Args:
        size: of what is told of each.
    """

    def __init__(self, size: int) -> None:
        self._late: dict[bytes, bytes] = {}
        self._held = np.zeros(0, "S16"), np.zeros((0, size), np.uint8)
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._late) + len(self._held[0])

    def get(self, key: bytes) -> bytes | None:
        """What was told of a digest."""
        late, (keys, told) = self._late, self._held  # in this order, for other threads tell more
        if key in late:
            return late[key]
        at = int(np.searchsorted(keys, key))
        return told[at].tobytes() if at < len(keys) and keys[at] == key.rstrip(b"\0") else None

    def __setitem__(self, key: bytes, told: bytes) -> None:
        with self._lock:
            self._late[key] = told
            if len(self._late) >= max(FEWEST, len(self) // 8):
                self._settle()

    def _settle(self) -> None:
        """Put what is objects to the rest; the newest counts."""
        keys, told = self._held
        late = np.frombuffer(b"".join(self._late.values()), np.uint8).reshape(-1, told.shape[1])
        found, first = np.unique(np.append(list(self._late), keys), return_index=True)
        self._held = found, np.concatenate([late, told])[first]
        self._late = {}
