"""PINs and passwords as Argon2id hashes, computed in threads of their own so that requests do not wait for each other."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Hasher:
    """Hashes and verifies secrets. argon2 lets go of the interpreter while it computes."""

    def __init__(self, memory_kib: int, passes: int, threads: int) -> None:
        """Take `memory_kib` KiB and `passes` passes for a hash; compute at most `threads` at a time."""
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._nobody = self._hasher.hash("nobody")

    async def hash(self, secret: str) -> str:
        """Return the hash of `secret`, salted."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._hasher.hash, secret)

    async def verify(self, secret_hash: str | None, secret: str) -> bool:
        """Say whether `secret` fits; None (nobody has this name) takes as long as a wrong secret and never fits."""
        fits = await asyncio.get_running_loop().run_in_executor(
            self._pool, self._verify, secret_hash or self._nobody, secret
        )
        return fits and secret_hash is not None

    def _verify(self, secret_hash: str, secret: str) -> bool:
        try:
            return self._hasher.verify(secret_hash, secret)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
