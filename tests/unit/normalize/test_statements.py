from openfunnel.normalize.statements import Statement, first_statement


def read_ranked(line: str) -> Statement[str] | None:
    rank, found, value = line.partition(":")
    return Statement(int(rank), value, len(rank) + 1, len(line)) if found else None


def test_the_lowest_rank_counts_and_of_equal_ones_the_first() -> None:
    text = "nothing\n2:late\n1:first\n1:second"
    found = first_statement(text, read_ranked)
    assert found is not None
    value, (start, end) = found
    assert value == "first"
    assert text[start:end] == "first"


def test_lines_that_state_nothing_give_nothing() -> None:
    assert first_statement("nothing\n\nat all", read_ranked) is None
