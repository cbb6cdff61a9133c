"""The keys of message bodies: each body has one of its own, in a folder outside the database, and loses it when it goes.

A page is a file of 32-byte keys, one page a day. A body's row names its page and slot; its key is overwritten within a second
of the body's deletion. So what the database still holds of a deleted body (free space, WAL, replicas, dumps) cannot be read.
What that does and does not promise: docs/decisions/0006-message-body-encryption.md.
"""

import asyncio
import fcntl
import os
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
DESTROYED = bytes(KEY_BYTES)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a key is kept: the page of a day (UTC), and the slot on it."""

    page: date
    slot: int


def seal(key: bytes, message_id: int, subject: str, body: str) -> bytes:
    """Return subject and body as they are kept: nonce and AES-256-GCM over both, bound to the message's id."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, orjson.dumps([subject, body]), _bound_to(message_id))


def unseal(key: bytes | None, message_id: int, content: bytes) -> tuple[str, str] | None:
    """Return subject and body, or None when the key is destroyed, or is another's."""
    if key is None:
        return None
    try:
        text = AESGCM(key).decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], _bound_to(message_id))
    except InvalidTag:
        return None
    subject, body = orjson.loads(text)
    return subject, body


def _bound_to(message_id: int) -> bytes:
    return message_id.to_bytes(8, "big")


class Keys:
    """The pages of one database, `folder`. Every method raises OSError when the folder cannot be used.

    Several processes may use the folder at once, where its file system knows locks. A key that has been given out is on the
    disk; a key that has been destroyed is overwritten on the disk.
    """

    def __init__(self, folder: Path) -> None:
        """Keep the keys in `folder`, which is made when it is first needed."""
        self._folder = folder

    async def make(self, page: date, count: int) -> list[tuple[Place, bytes]]:
        """Return `count` new keys, with their places on `page`."""
        return await asyncio.to_thread(self._make, page, count)

    async def find(self, places: Iterable[Place]) -> dict[Place, bytes]:
        """Return the keys at `places` that are still there."""
        return await asyncio.to_thread(self._find, list(places))

    async def destroy(self, places: Iterable[Place]) -> None:
        """Overwrite the keys at `places`; what is not there any more is as good."""
        await asyncio.to_thread(self._destroy, list(places))

    async def pages(self) -> list[date]:
        """Return the pages that there are, oldest first."""
        return await asyncio.to_thread(lambda: sorted(date.fromisoformat(file.stem) for file in self._files()))

    async def destroy_besides(self, page: date, slots: Collection[int]) -> int:
        """Overwrite every key of `page` but those at `slots`, and remove a page that has none left; return how many went."""
        return await asyncio.to_thread(self._destroy_besides, page, frozenset(slots))

    def _files(self) -> Iterator[Path]:
        return self._folder.glob("*.keys")

    def _file(self, page: date) -> Path:
        return self._folder / f"{page.isoformat()}.keys"

    def _make(self, page: date, count: int) -> list[tuple[Place, bytes]]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys = [secrets.token_bytes(KEY_BYTES) for _ in range(count)]
        with _opened(self._file(page), os.O_RDWR | os.O_CREAT) as handle:
            # A page that was torn by a power cut goes on at the next whole slot.
            size = os.fstat(handle).st_size
            first = -(-size // KEY_BYTES)
            _write(handle, b"".join(keys), first * KEY_BYTES)
            os.fsync(handle)
        if not size:
            self._sync_folder()
        return [(Place(page, first + index), key) for index, key in enumerate(keys)]

    def _find(self, places: list[Place]) -> dict[Place, bytes]:
        found: dict[Place, bytes] = {}
        for page, slots in _by_page(places).items():
            try:
                handle = os.open(self._file(page), os.O_RDONLY)
            except FileNotFoundError:
                continue
            try:
                for slot in slots:
                    key = os.pread(handle, KEY_BYTES, slot * KEY_BYTES)
                    if len(key) == KEY_BYTES and key != DESTROYED:
                        found[Place(page, slot)] = key
            finally:
                os.close(handle)
        return found

    def _destroy(self, places: list[Place]) -> None:
        for page, slots in _by_page(places).items():
            try:
                with _opened(self._file(page), os.O_RDWR) as handle:
                    _overwrite(handle, slots)
            except FileNotFoundError:
                continue

    def _destroy_besides(self, page: date, kept: frozenset[int]) -> int:
        file = self._file(page)
        with _opened(file, os.O_RDWR) as handle:
            content = os.pread(handle, os.fstat(handle).st_size, 0)
            keys = [content[at : at + KEY_BYTES] for at in range(0, len(content), KEY_BYTES)]
            there = {slot for slot, key in enumerate(keys) if any(key)}
            _overwrite(handle, there - kept)
            if not there & kept:
                file.unlink()
                self._sync_folder()
        return len(there - kept)

    def _sync_folder(self) -> None:
        handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _opened(file: Path, flags: int) -> Iterator[int]:
    handle = os.open(file, flags, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _by_page(places: Iterable[Place]) -> Mapping[date, list[int]]:
    found: defaultdict[date, list[int]] = defaultdict(list)
    for place in places:
        found[place.page].append(place.slot)
    return found


def _overwrite(handle: int, slots: Iterable[int]) -> None:
    """Write over keys in place: the file keeps its blocks, as it would not if it were written anew."""
    end = os.fstat(handle).st_size
    for slot in slots:
        if slot * KEY_BYTES < end:
            _write(handle, DESTROYED, slot * KEY_BYTES)
    os.fsync(handle)


def _write(handle: int, content: bytes, offset: int) -> None:
    written = 0
    while written < len(content):
        written += os.pwrite(handle, content[written:], offset + written)
