"""Which request goes wrong."""

from collections import Counter

import pytest

from openfunnel.errors import InvalidFaults
from openfunnel.sandbox.faults import FaultKind, FaultRule, Faults, parse_faults


def test_a_list_of_faults_is_read():
    faults = parse_faults("429:0.1, cut:0.5@acme,500:0.5@acme,404:gone,ollama-busy,retry-after=7")

    assert faults.rules == (
        FaultRule(FaultKind.RATE_LIMITED, 0.1),
        FaultRule(FaultKind.CUT, 0.5, "acme"),
        FaultRule(FaultKind.SERVER_ERROR, 0.5, "acme"),
        FaultRule(FaultKind.NOT_FOUND, 1.0, "gone"),
        FaultRule(FaultKind.OLLAMA_BUSY),
    )
    assert faults.retry_after_seconds == 7


@pytest.mark.parametrize("text", ["", " , "])
def test_an_empty_list_means_no_faults(text):
    assert parse_faults(text).befall_board("acme") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("teapot", "Fault 'teapot' makes no sense: the faults are 429, 500"),
        ("cut:half", "Fault 'cut:half' makes no sense: 'half' is no number"),
        ("cut:1.5", "Fault 'cut:1.5' makes no sense: 1.5 is not between 0 and 1"),
        ("cut:nan", "Fault 'cut:nan' makes no sense"),
        ("patience=3", "Fault 'patience=3' makes no sense: only retry-after, slow-seconds"),
        ("validators=on", "Fault 'validators=on' makes no sense"),
        ("retry-after=soon", "Fault 'retry-after=soon' makes no sense: 'soon' is no number"),
        ("cut:0.6,500:0.6", "the shares of all boards add up to more than 1"),
        ("cut@acme,500@acme", "the shares of acme add up to more than 1"),
        ("ollama-busy@acme", "the model server has no boards"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused_in_one_line(text, said):
    with pytest.raises(InvalidFaults) as refusal:
        parse_faults(text)

    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_share_is_kept_and_the_same_for_the_same_seed():
    def draw(seed: int) -> list[FaultKind | None]:
        faults = parse_faults("429:0.1,cut:0.2", seed)
        return [faults.befall_board("acme") for _ in range(2000)]

    counts = Counter(draw(seed=3))

    assert 150 < counts[FaultKind.RATE_LIMITED] < 250
    assert 320 < counts[FaultKind.CUT] < 480
    assert draw(seed=3) == draw(seed=3) != draw(seed=4)


def test_a_named_boards_fault_befalls_no_other():
    faults = parse_faults("empty@acme")

    assert faults.befall_board("acme") is FaultKind.EMPTY
    assert faults.befall_board("other") is None
    assert faults.befall_board(None) is None


def test_boards_and_model_server_have_faults_of_their_own():
    faults = parse_faults("500,ollama-missing")

    assert faults.befall_board("acme") is FaultKind.SERVER_ERROR
    assert faults.befall_ollama() is FaultKind.OLLAMA_MISSING


def test_the_model_servers_requests_do_not_shift_the_boards_faults():
    alone, together = parse_faults("cut:0.5", 1), parse_faults("cut:0.5,ollama-busy:0.5", 1)
    drawn = []
    for _ in range(50):
        together.befall_ollama()
        drawn.append(together.befall_board("acme"))

    assert drawn == [alone.befall_board("acme") for _ in range(50)]


def test_robots_txt_has_faults_of_its_own_and_shifts_no_others():
    faults, alone = parse_faults("cut:0.5,500@robots.txt", 1), parse_faults("cut:0.5", 1)
    drawn = []
    for _ in range(50):
        assert faults.befall_robots() is FaultKind.SERVER_ERROR
        drawn.append(faults.befall_board("acme"))

    assert drawn == [alone.befall_board("acme") for _ in range(50)]
    assert alone.befall_robots() is None


def test_validators_are_there_unless_they_are_off():
    assert parse_faults("429:0.1").validators
    assert not parse_faults("429:0.1,validators=off").validators


def test_no_faults_at_all_is_the_default():
    assert {Faults().befall_board("acme"), Faults().befall_ollama()} == {None}
