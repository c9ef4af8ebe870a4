"""Extraction with a model: what it is sent, how busy it is kept, and what becomes of its faults.

- `prompt`: tokens of the prompt beside sending the whole text, and the evidence that is still in.
- `slots`: how busy one worker keeps a model's slots, what it costs, and how workers add up.
- `faults`: what becomes of postings when a model server misbehaves in every way known.

Each part's own docstring says what is measured.
"""

from collections.abc import Callable

from benchmarks.extract import faults, prompt, slots

PARTS: dict[str, Callable[[int], None]] = {
    "prompt": prompt.run,
    "slots": slots.run,
    "faults": faults.run,
}


def run(runs: int, only: str | None) -> None:
    """Measure all parts, or one, and print."""
    for name in (only,) if only else PARTS:
        PARTS[name](runs)
