"""Lines are read once, and odd ones do not fill the memory."""

from openfunnel.normalize.lines import LONGEST_REMEMBERED, read_once


def test_a_line_that_comes_again_is_not_read_again() -> None:
    reads = []

    @read_once
    def measure(line: str, factor: int) -> int:
        reads.append(line)
        return len(line) * factor

    assert [measure("abc", 1), measure("abc", 1), measure("abc", 2)] == [3, 3, 6]
    assert reads == ["abc", "abc"]


def test_a_line_beyond_the_bound_is_read_each_time() -> None:
    reads = []

    @read_once
    def measure(line: str) -> int:
        reads.append(len(line))
        return len(line)

    endless = "x" * (LONGEST_REMEMBERED + 1)
    assert measure(endless) == measure(endless) == len(endless)
    assert len(reads) == 2
