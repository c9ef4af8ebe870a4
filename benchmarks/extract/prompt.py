"""What a model is sent of a posting, beside the whole text with the same instructions.

Every posting of the recorded boards goes through the rules and the digest, as it does in a worker;
what repeats over a board is found among as many of its postings as the store hands out. Tokens are
estimated on both sides alike, at four bytes of UTF-8 each; instructions count on both. Printed for
each ATS and for all:

- tokens of a prompt: mean, median and 95th percentile, of the whole text and of the digest, and the
  ratio of their sums; that ratio for the posting's part alone;
- calls that remembered answers save: postings whose title, company and text another one has, and
  the ratio once more where these cost nothing;
- processor time of a digest;
- evidence of the labelled postings (technologies and initiatives, white space folded) that stands
  in title or digest.
"""

import gzip
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, quantiles

from benchmarks.boards import RECORDED, SHARED
from openfunnel.evaluation.gold import GoldPosting, read_gold
from openfunnel.extraction import rules
from openfunnel.extraction.boilerplate import SIBLINGS, Boilerplate, find_boilerplate
from openfunnel.extraction.digest import Digest, digest
from openfunnel.extraction.prompt import SYSTEM_PROMPT, ask
from openfunnel.extraction.tokens import TokenEstimate
from openfunnel.records import BoardRef, PostingText
from openfunnel.settings import Settings
from openfunnel.sources import SOURCES


@dataclass(frozen=True)
class Sent:
    """Tokens of one posting's prompt without the instructions, and what the digest cost."""

    key: tuple[str, str | None, str]
    whole: int
    digest: int
    seconds: float


def run(runs: int) -> None:
    """Measure and print; a digest is the same in every run, so that there is one."""
    del runs
    if not SHARED.is_dir():
        print(f"  no recorded boards at {SHARED}")
        return
    tokens = Settings.load(environ={}).prompt_tokens
    boards = dict(_boards(RECORDED))
    repeated = {ref: _boilerplate(postings) for ref, postings in boards.items()}
    sent: defaultdict[str, list[Sent]] = defaultdict(list)
    for ref, postings in boards.items():
        sent[ref.ats] += [_send(posting, repeated[ref], tokens) for posting in postings]
    instructions = TokenEstimate()(SYSTEM_PROMPT)
    print(f"  {instructions} tokens of instructions, {tokens} of a posting's text at most")
    for ats, of_ats in sent.items():
        _show(ats, of_ats, instructions)
    _show("all", [one for of_ats in sent.values() for one in of_ats], instructions)
    _show_evidence(read_gold(SHARED / "gold").postings, repeated, tokens)


def _boards(folder: Path) -> Iterator[tuple[BoardRef, list[PostingText]]]:
    for path in sorted(folder.glob("*/*.json.gz")):
        ref = BoardRef(ats=path.parent.name, token=path.name.removesuffix(".json.gz"))
        if ref.ats in SOURCES:
            contents = SOURCES[ref.ats].parse_board(gzip.decompress(path.read_bytes()), ref)
            postings = [posting for content in contents for posting in content.postings]
            yield (
                ref,
                [
                    PostingText(
                        title=one.title,
                        text=one.text,
                        company_name=one.company_name or ref.token,
                        fields=one.fields,
                    )
                    for one in postings
                ],
            )


def _boilerplate(postings: Sequence[PostingText]) -> Boilerplate:
    """Find it among one posting a title, spread over the board, as the store's are."""
    by_title = {posting.title: posting.text for posting in postings}
    texts = [text for _, text in sorted(by_title.items())]
    return find_boilerplate(texts[:: -(-len(texts) // SIBLINGS) or 1])


def _digest(posting: PostingText, boilerplate: Boilerplate, tokens: int) -> tuple[Digest, float]:
    lines = rules.lines_of(posting)
    stated = rules.extract(posting, lines)
    begun = time.process_time()
    shown = digest(posting, lines, stated, boilerplate, TokenEstimate(), tokens)
    return shown, time.process_time() - begun


def _send(posting: PostingText, boilerplate: Boilerplate, tokens: int) -> Sent:
    estimate = TokenEstimate()
    shown, seconds = _digest(posting, boilerplate, tokens)
    message = ask(posting, "")[1].content
    rest = estimate(message)
    return Sent(
        key=(posting.title, posting.company_name, posting.text),
        whole=rest + estimate(posting.text),
        digest=rest + estimate(shown.text),
        seconds=seconds,
    )


def _show(name: str, sent: Sequence[Sent], instructions: int) -> None:
    first = {one.key: one for one in sent}.values()
    print(f"  {name}, {len(sent):,} postings")
    for what, tokens in (
        ("whole text", [one.whole + instructions for one in sent]),
        ("digest", [one.digest + instructions for one in sent]),
    ):
        cuts = quantiles(tokens, n=20)
        middle, high = cuts[9], cuts[18]
        print(
            f"    {what:<12}{mean(tokens):>7,.0f} tokens mean, {middle:,.0f} p50, {high:,.0f} p95"
        )
    whole, shown = sum(one.whole for one in sent), sum(one.digest for one in sent)
    every, once = instructions * len(sent), instructions * len(first)
    print(
        f"    ratio       {(shown + every) / (whole + every):>7.1%}, of the posting's part "
        f"{shown / whole:.1%}; {len(sent) - len(first)} calls saved by known answers, with them "
        f"{(sum(one.digest for one in first) + once) / (whole + every):.1%}"
    )
    print(f"    a digest    {1_000 * mean(one.seconds for one in sent):>7.2f} ms of processor time")


def _show_evidence(
    gold: Sequence[GoldPosting], repeated: dict[BoardRef, Boilerplate], tokens: int
) -> None:
    kinds = ("technologies", "initiatives")
    there, labelled = dict.fromkeys(kinds, 0), dict.fromkeys(kinds, 0)
    for one in gold:
        if one.label is None or one.board not in repeated:
            continue
        shown, _ = _digest(one.posting, repeated[one.board], tokens)
        seen = f"{_folded(one.posting.title)}\n{_folded(shown.text)}"
        for kind in kinds:
            evidences = [_folded(item.evidence) for item in getattr(one.label, kind)]
            labelled[kind] += len(evidences)
            there[kind] += sum(evidence in seen for evidence in evidences)
    both = sum(there.values()) / sum(labelled.values())
    each = ", ".join(f"{there[kind]} of {labelled[kind]} {kind}" for kind in kinds)
    print(f"  labelled evidence still there: {both:.1%} ({each})")


def _folded(text: str) -> str:
    return " ".join(text.split())
