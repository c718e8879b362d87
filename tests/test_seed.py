"""Digests: the value for known parts, and the same value for many texts at once."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from roadworthy.seed import digest, digests


def test_parts_are_length_prefixed() -> None:
    whole = b"".join(len(p).to_bytes(8, "little") + p for p in (b"a", b"12", b"\xff"))
    assert digest("a", 12, b"\xff") == hashlib.blake2b(whole, digest_size=16).hexdigest()
    assert digest("ab", "c") != digest("a", "bc")


@given(st.lists(st.one_of(st.text(), st.integers()), max_size=3), st.lists(st.text(), max_size=3))
def test_digests_of_many_texts_are_those_of_each(parts: list[object], texts: list[str]) -> None:
    one = digests(*parts)
    assert [one(text) for text in texts] == [digest(*parts, text) for text in texts]
