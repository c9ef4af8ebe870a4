"""Lines are read once, and odd ones do not fill the memory."""

from openfunnel.normalize.lines import LONGEST_REMEMBERED, read_once, split_lines


def test_a_line_that_comes_again_is_not_read_again() -> None:
    reads = []

    @read_once
    def measure(line: str, factor: int) -> int:
        reads.append(line)
        return len(line) * factor

    first, *_ = split_lines("a line\nof a text")
    again = split_lines("another text\nwith\na line")[2]
    assert [measure(first, 1), measure(again, 1), measure(again, 2)] == [6, 6, 12]
    assert reads == ["a line", "a line"]


def test_what_one_reader_found_is_no_other_readers() -> None:
    @read_once
    def first(line: str) -> str:
        return line[0]

    @read_once
    def last(line: str) -> str:
        return line[-1]

    (line,) = split_lines("from a to z")
    assert [first(line), last(line), first(line)] == ["f", "z", "f"]


def test_nothing_found_is_remembered_too() -> None:
    reads = []

    @read_once
    def find(line: str) -> None:
        reads.append(line)

    (line,) = split_lines("nothing in it")
    assert find(line) is find(line) is None
    assert reads == ["nothing in it"]


def test_a_line_beyond_the_bound_is_read_each_time() -> None:
    reads = []

    @read_once
    def measure(line: str) -> int:
        reads.append(len(line))
        return len(line)

    (endless,) = split_lines("x" * (LONGEST_REMEMBERED + 1))
    assert measure(endless) == measure(endless) == len(endless)
    assert len(reads) == 2


def test_lines_are_the_texts() -> None:
    text = f"\none\n\n{'y' * (LONGEST_REMEMBERED + 1)}\n"
    assert "\n".join(split_lines(text)) == text
