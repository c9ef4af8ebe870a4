"""How figures are taken and shown: the median of several runs, and a ratio to a named baseline."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """What one benchmark measured, once for each run."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The value of the run in the middle."""
        return median(self.values)


def per_second(name: str, unit: str, runs: int, work: Callable[[], int]) -> Figure:
    """Call `work` `runs` times; it returns how many units it did."""
    values = []
    for _ in range(runs):
        begun = time.perf_counter()
        done = work()
        values.append(done / (time.perf_counter() - begun))
    return Figure(name, f"{unit}/s", tuple(values))


def show(figure: Figure, baseline: Figure | None = None) -> None:
    """Print a figure with its spread, and how it compares with a baseline of the same unit."""
    spread = f"{_number(min(figure.values))} to {_number(max(figure.values))}"
    line = f"  {figure.name:<52}{_number(figure.median):>10} {figure.unit:<16} ({spread})"
    if baseline is not None:
        line += f"  {figure.median / baseline.median:.2f} x {baseline.name}"
    print(line, flush=True)


def _number(value: float) -> str:
    if isinstance(value, int):  # a count
        return f"{value:,}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
