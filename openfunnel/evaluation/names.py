"""When two names of technologies or skills mean the same. They are compared by their slugs."""

from collections.abc import Collection

from openfunnel.normalize import skills as taxonomy
from openfunnel.normalize.taxonomy import slug_of

LEAST_OVERLAP = 0.5
"""Of all the words of two names, the share that both have (the Jaccard index)."""


def canonical(name: str) -> tuple[str, str]:
    """Return the slug and the canonical name: the taxonomy's, or the name's own."""
    entry = taxonomy.resolve(name)
    return (entry.slug, entry.name) if entry else (slug_of(name), name)


def overlap(one: str, other: str) -> float:
    """Return the share of the words of two slugs that both have, from 0 to 1."""
    words, others = set(one.split("-")), set(other.split("-"))
    return len(words & others) / len(words | others)


def pair_by_overlap(slugs: Collection[str], others: Collection[str]) -> list[tuple[str, str]]:
    """Pair slugs that overlap by `LEAST_OVERLAP` or more: each once, the most alike first.

    Of pairs that are equally alike, the alphabet decides, not the order they come in.
    """
    candidates = sorted(
        (one != other, -alike, one, other)
        for one in set(slugs)
        for other in set(others)
        if (alike := overlap(one, other)) >= LEAST_OVERLAP
    )
    pairs: dict[str, str] = {}
    taken: set[str] = set()
    for _, _, one, other in candidates:
        if one not in pairs and other not in taken:
            pairs[one] = other
            taken.add(other)
    return list(pairs.items())
