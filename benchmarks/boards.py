"""Board pages to work on: recorded ones of a folder, else invented ones as long as real ones."""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from openfunnel.records import BoardContent, JobPosting
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.replay import ReplayWorld
from openfunnel.sandbox.world import World
from openfunnel.settings import PROJECT_ROOT
from openfunnel.sources import SOURCES

BOARDS, POSTINGS = 40, 1500
"""The demo's."""
TEXT_CHARACTERS = 5000
"""Mean of real postings; the sandbox's own have a fifth of it."""

SHARED = PROJECT_ROOT.parent / "shared"
"""Where recorded boards and the labelled postings are, if they are anywhere."""
RECORDED = SHARED / "corpus" / "boards"

Page = tuple[JobPosting, ...]


def pages(replay: Path | None, characters: int = TEXT_CHARACTERS) -> list[Page]:
    """Parse every board of the folder, or of the sandbox's world, with the real parsers.

    The sandbox's texts are made `characters` long; longer ones, and with 0 all, stay as they are.
    """
    if replay is not None:
        return [content.postings for content in _contents(ReplayWorld(replay))]
    contents = list(_contents(GeneratedWorld(BOARDS, POSTINGS)))
    texts = cycle([posting.text for content in contents for posting in content.postings])
    return [
        tuple(_lengthened(posting, texts, characters) for posting in content.postings)
        for content in contents
    ]


def _contents(world: World) -> Iterator[BoardContent]:
    for ref in world.boards():
        if ref.ats in SOURCES and (answer := world.answer(ref)):
            yield from SOURCES[ref.ats].parse_board(answer.body, ref)


def _lengthened(posting: JobPosting, texts: Iterator[str], characters: int) -> JobPosting:
    """The posting with other postings' texts behind its own, in its payload too."""
    text = posting.text
    if len(text) >= characters:
        return posting
    while len(text) < characters:
        text += "\n" + next(texts)
    text = text[:characters]
    return posting.model_copy(update={"text": text, "payload": {**posting.payload, "whole": text}})
