"""Recorded boards, served as they are."""

import gzip

import pytest

from openfunnel.errors import InvalidReplay
from openfunnel.records import BoardRef
from openfunnel.sandbox.replay import ReplayWorld
from openfunnel.sandbox.world import entries


def record(folder, ats: str, token: str, body: bytes) -> BoardRef:
    (folder / ats).mkdir(exist_ok=True)
    (folder / ats / f"{token}.json.gz").write_bytes(gzip.compress(body))
    return BoardRef(ats=ats.partition("_")[0], region=ats.partition("_")[2], token=token)


def test_a_recorded_answer_comes_back_byte_for_byte(tmp_path):
    body = b'{ "jobs" :\n[{"id": 7, "title": "Caf\\u00e9 \xc3\xa9", "pay": 1.50}] }\n'
    ref = record(tmp_path, "greenhouse", "acme.co", body)

    answer = ReplayWorld(tmp_path).answer(ref)

    assert answer is not None
    assert answer.body == body
    assert [entry["id"] for entry in entries(answer)] == [7]


def test_a_folder_of_the_european_host_holds_boards_of_that_region(tmp_path):
    record(tmp_path, "lever_eu", "acme", b"[]")

    world = ReplayWorld(tmp_path)

    assert world.boards() == (BoardRef(ats="lever", region="eu", token="acme"),)
    assert world.answer(BoardRef(ats="lever", token="acme")) is None


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(InvalidReplay, match="holds no recorded boards"):
        ReplayWorld(tmp_path / "nowhere")


def test_every_recorded_board_of_the_corpus_can_be_served(shared):
    world = ReplayWorld(shared / "corpus" / "boards")

    for ref in world.boards():
        file = shared / "corpus" / "boards" / ref.ats / f"{ref.token}.json.gz"
        answer = world.answer(ref)
        assert answer is not None
        assert answer.body == gzip.decompress(file.read_bytes())
