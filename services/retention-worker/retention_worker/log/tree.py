"""The Merkle tree of RFC 9162, stored as tiles of 256 hashes: pure functions of bytes.

Level 0 holds the hashes of the leaves; each full tile of a level has one hash, its root, in the level above. So a proof
reads a few tiles, and an append rewrites the last tile of each level that grows.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

HASH = 32
HEIGHT = 8
WIDTH = 1 << HEIGHT
TILE = WIDTH * HASH
LEVELS = 6

Tile = tuple[int, int]
Range = tuple[int, int]


class BrokenTreeError(RuntimeError):
    """The stored tiles are not those of a tree of the stored size; nothing may be appended or signed."""


def leaf_hashes(contents: Iterable[bytes]) -> list[bytes]:
    """Return the hash of each leaf: SHA-256 of 0x00 and its content."""
    return [sha256(b"\0" + content).digest() for content in contents]


def edge(size: int) -> list[Tile]:
    """Return the tiles (level, index) that are partly filled in a tree of `size` leaves."""
    counts = [(level, size >> (HEIGHT * level)) for level in range(LEVELS)]
    return [(level, count >> HEIGHT) for level, count in counts if count % WIDTH]


def grow(size: int, begun: Mapping[Tile, bytes], hashes: Sequence[bytes]) -> dict[Tile, bytes]:
    """Return the tiles that change when `hashes` are appended; `begun` are the contents of the tiles of `edge(size)`.

    Raises BrokenTreeError when `begun` does not fit `size`.
    """
    changed: dict[Tile, bytes] = {}
    count, new = size, b"".join(hashes)
    for level in range(LEVELS):
        if not new:
            break
        index, used = count >> HEIGHT, count % WIDTH
        last = begun.get((level, index), b"") if used else b""
        if len(last) != used * HASH:
            message = f"tile {level}/{index} has {len(last) // HASH} hashes, not {used}"
            raise BrokenTreeError(message)
        content, full = last + new, []
        for offset in range(0, len(content), TILE):
            tile = content[offset : offset + TILE]
            changed[level, index + offset // TILE] = tile
            if len(tile) == TILE:
                full.append(_fold(tile))
        count, new = index, b"".join(full)
    return changed


def inclusion(index: int, size: int) -> list[Range]:
    """Return the ranges of leaves whose hashes prove leaf `index` in a tree of `size`; needs index < size."""
    low, high, ranges = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return ranges[::-1]


def consistency(first: int, second: int) -> list[Range]:
    """Return the ranges whose hashes prove that the tree of `second` leaves begins with that of `first`; needs 0 < first <= second."""
    low, high, ranges = 0, second, []
    while first != high:
        middle = low + _split(high - low)
        if first <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    if low:
        ranges.append((low, high))
    return ranges[::-1]


def tiles_of(ranges: Iterable[Range]) -> list[Tile]:
    """Return the tiles from which the hashes of `ranges` can be computed."""
    return sorted({_place(height, at)[0] for low, high in ranges for height, at in _subtrees(low, high)})


def hash_of(span: Range, tiles: Mapping[Tile, bytes]) -> bytes:
    """Return the tree hash of the leaves from `span[0]` to before `span[1]`, as RFC 9162 splits them.

    Raises BrokenTreeError when a tile is missing or too short.
    """
    found = sha256(b"").digest()
    for count, (height, at) in enumerate(reversed(_subtrees(*span))):
        tile, first, width = _place(height, at)
        content = tiles.get(tile, b"")[first * HASH : (first + width) * HASH]
        if len(content) != width * HASH:
            message = f"tile {tile[0]}/{tile[1]} is missing or too short"
            raise BrokenTreeError(message)
        subtree = _fold(content)
        found = sha256(b"\1" + subtree + found).digest() if count else subtree
    return found


def _split(width: int) -> int:
    """Return the largest power of two smaller than `width`."""
    return 1 << (width - 1).bit_length() - 1


def _subtrees(low: int, high: int) -> list[tuple[int, int]]:
    """Split a range into complete subtrees, largest first: each (height, index among the subtrees of that height)."""
    found = []
    while low < high:
        height = (high - low).bit_length() - 1
        found.append((height, low >> height))
        low += 1 << height
    return found


def _place(height: int, at: int) -> tuple[Tile, int, int]:
    """Return the tile that holds a complete subtree's hashes, the position of the first, and their number."""
    level, rest = divmod(height, HEIGHT)
    first = at << rest
    return (level, first >> HEIGHT), first % WIDTH, 1 << rest


def _fold(content: bytes) -> bytes:
    while len(content) > HASH:
        content = b"".join(
            [sha256(b"\1" + content[at : at + 2 * HASH]).digest() for at in range(0, len(content), 2 * HASH)]
        )
    return content
