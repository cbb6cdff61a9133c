"""The tree that is written and the checks that read it, against RFC 9162 itself, computed here once more from its definition."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glem_verify import checks as verify
from retention_worker.log import tree

# The leaves and hashes that implementations of RFC 6962 test with (certificate-transparency, merkletree tests).
KNOWN_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
KNOWN_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
MAX = 600
LEAVES = [b"leaf %d" % number for number in range(MAX)]


def sha(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


def split(count: int) -> int:
    return max(power for power in (2**exponent for exponent in range(20)) if power < count)


def mth(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word by word."""
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return sha(b"\x00" + leaves[0])
    k = split(len(leaves))
    return sha(b"\x01" + mth(leaves[:k]) + mth(leaves[k:]))


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162, 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    return [*path(m, leaves[:k]), mth(leaves[k:])] if m < k else [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], *, known: bool) -> list[bytes]:
    """RFC 9162, 2.1.4.1."""
    if m == len(leaves):
        return [] if known else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], known=known), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], known=False), mth(leaves[:k])]


class Written:
    """A tree as the worker keeps it."""

    def __init__(self) -> None:
        self.size, self.tiles = 0, {}

    def append(self, leaves: list[bytes]) -> None:
        begun = {tile: self.tiles[tile] for tile in tree.edge(self.size)}
        self.tiles |= tree.grow(self.size, begun, tree.leaf_hashes(leaves))
        self.size += len(leaves)

    def root(self, size: int) -> bytes:
        return tree.hash_of((0, size), self.tiles)

    def prove(self, ranges: list[tuple[int, int]]) -> list[bytes]:
        tiles = {tile: self.tiles[tile] for tile in tree.tiles_of(ranges)}
        return [tree.hash_of(span, tiles) for span in ranges]


@pytest.fixture(scope="module")
def written() -> Written:
    found = Written()
    found.append(LEAVES)
    return found


def test_the_known_vectors_of_rfc_6962():
    assert verify.roots_at([], [0])[0].hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    found = Written()
    for size, root in enumerate(KNOWN_ROOTS, start=1):
        found.append([KNOWN_LEAVES[size - 1]])
        assert mth(KNOWN_LEAVES[:size]).hex() == root
        assert found.root(size).hex() == root
        assert verify.roots_at([verify.leaf_hash(leaf) for leaf in KNOWN_LEAVES], [size])[size].hex() == root
    assert [step.hex() for step in found.prove(tree.inclusion(0, 8))] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [step.hex() for step in found.prove(tree.consistency(6, 8))] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_roots_agree_at_every_size(written: Written):
    roots = verify.roots_at([verify.leaf_hash(leaf) for leaf in LEAVES], range(MAX + 1))
    for size in range(0, MAX + 1, 7):
        assert roots[size] == mth(LEAVES[:size]) == written.root(size)


@given(cuts=st.lists(st.integers(1, 300), min_size=1, max_size=12))
def test_the_tree_is_the_same_however_it_is_appended_to(cuts: list[int]):
    grown, leaves = Written(), [b"%d" % number for number in range(sum(cuts))]
    for cut in cuts:
        grown.append(leaves[grown.size : grown.size + cut])
    at_once = Written()
    at_once.append(leaves)
    assert grown.tiles == at_once.tiles


@given(data=st.data())
def test_every_inclusion_proof_verifies_and_no_other(written: Written, data: st.DataObject):
    size = data.draw(st.integers(1, MAX))
    index = data.draw(st.integers(0, size - 1))
    proof, root, leaf = written.prove(tree.inclusion(index, size)), written.root(size), verify.leaf_hash(LEAVES[index])
    assert proof == path(index, LEAVES[:size])
    assert verify.included(leaf, index, size, proof, root)

    other = data.draw(st.integers(0, size - 1).filter(lambda number: number != index)) if size > 1 else 1
    assert not verify.included(leaf, other, size, proof, root)
    assert not verify.included(verify.leaf_hash(b"another"), index, size, proof, root)
    assert not verify.included(leaf, index, size, proof, sha(root))
    assert not verify.included(leaf, index, size, [*proof, root], root)
    assert not verify.included(leaf, index, 0, proof, root)
    if proof:
        assert not verify.included(leaf, index, size, tampered(data, proof), root)
        assert not verify.included(leaf, index, size, proof[:-1], root)


@given(data=st.data())
def test_every_consistency_proof_verifies_and_no_other(written: Written, data: st.DataObject):
    second = data.draw(st.integers(1, MAX))
    first = data.draw(st.integers(1, second))
    proof = written.prove(tree.consistency(first, second))
    old, new = written.root(first), written.root(second)
    assert proof == subproof(first, LEAVES[:second], known=True)
    assert verify.consistent(first, second, proof, old, new)

    assert not verify.consistent(first, second, proof, sha(old), new)
    assert not verify.consistent(first, second, proof, old, sha(new))
    assert not verify.consistent(first, second, [*proof, new], old, new)
    if proof:
        assert not verify.consistent(first, second, tampered(data, proof), old, new)
        assert not verify.consistent(first, second, proof[:-1], old, new)
        assert not verify.consistent(first, second, [], old, new)


@settings(deadline=None, max_examples=8)
@given(size=st.integers(60_000, 70_000), data=st.data())
def test_proofs_over_three_levels_of_tiles(size: int, data: st.DataObject):
    big = Written()
    big.append([b"%d" % number for number in range(size)])
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    root = verify.roots_at([verify.leaf_hash(b"%d" % number) for number in range(size)], [size, first])
    assert big.root(size) == root[size]
    leaf = verify.leaf_hash(b"%d" % index)
    assert verify.included(leaf, index, size, big.prove(tree.inclusion(index, size)), root[size])
    proof = big.prove(tree.consistency(first, size))
    assert verify.consistent(first, size, proof, root[first], root[size])
    assert len(tree.tiles_of(tree.inclusion(index, size))) <= 6


def test_a_damaged_tile_is_not_built_upon(written: Written):
    with pytest.raises(tree.BrokenTreeError, match="hashes"):
        tree.grow(10, {(0, 0): b"\0" * 32 * 9}, [b"\0" * 32])
    with pytest.raises(tree.BrokenTreeError, match="missing"):
        tree.hash_of((0, 10), {})


def tampered(data: st.DataObject, proof: list[bytes]) -> list[bytes]:
    at = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 255))
    step = bytearray(proof[at])
    step[bit // 8] ^= 1 << bit % 8
    return [*proof[:at], bytes(step), *proof[at + 1 :]]


def test_a_leaf_has_one_form():
    leaf = {"v": 1, "agency": "DK-725900", "class": "loan", "action": "erased", "policy": 1}
    leaf |= {"hour": "2026-10-01T12:00Z", "commitment": "00" * 32}
    text = verify.canonical(leaf)
    assert verify.read_leaf(text) == leaf
    assert verify.read_leaf(json.dumps(leaf).encode()) is None
    for wrong in (
        {"hour": "2026-10-01T12:34Z"},
        {"record_id": 5},
        {"commitment": "xx"},
        {"action": "kept"},
        {"v": 2},
        {"policy": "1"},
    ):
        assert verify.read_leaf(verify.canonical({**leaf, **wrong})) is None
    assert verify.read_leaf(b"not json") is None
    assert verify.read_leaf(b"[]") is None
