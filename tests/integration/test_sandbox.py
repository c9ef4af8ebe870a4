"""The sandbox over real HTTP: its protocols, and each fault doing what it says."""

import gzip
import json
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx
import pytest

from openfunnel.errors import PortUnavailable
from openfunnel.records import BoardRef
from openfunnel.sandbox.app import RECENT_REQUESTS, RequestLog, create_app
from openfunnel.sandbox.boards import AS_OF, GeneratedWorld
from openfunnel.sandbox.disruption import INSIDE
from openfunnel.sandbox.environment import sandbox_variables
from openfunnel.sandbox.faults import parse_faults
from openfunnel.sandbox.replay import ReplayWorld
from openfunnel.sandbox.serve import running, serve
from openfunnel.settings import Settings
from openfunnel.sources import SOURCES
from openfunnel.sources.addresses import Address, request_url
from openfunnel.sources.board import merge

WORLD = GeneratedWorld(10, 120, seed=2)


def refs(ats: str, region: str = "") -> list[BoardRef]:
    return [ref for ref in WORLD.boards() if (ref.ats, ref.region) == (ats, region)]


GREENHOUSE, LEVER, LEVER_EU = refs("greenhouse")[0], refs("lever")[0], refs("lever", "eu")[0]
ASHBY = refs("ashby")[0]
PREFIXES = {
    GREENHOUSE: f"/greenhouse/v1/boards/{GREENHOUSE.token}",
    LEVER: f"/lever/v0/postings/{LEVER.token}",
    LEVER_EU: f"/lever_eu/v0/postings/{LEVER_EU.token}",
    ASHBY: f"/ashby/posting-api/job-board/{ASHBY.token}",
}
LISTS = {
    GREENHOUSE: f"{PREFIXES[GREENHOUSE]}/jobs?content=true&pay_transparency=true",
    LEVER: f"{PREFIXES[LEVER]}?mode=json",
    LEVER_EU: f"{PREFIXES[LEVER_EU]}?mode=json",
    ASHBY: f"{PREFIXES[ASHBY]}?includeCompensation=true",
}


def body(ref: BoardRef) -> bytes:
    answer = WORLD.answer(ref)
    assert answer is not None
    return answer.body


def start(faults: str) -> Iterator[httpx.Client]:
    with running(WORLD, parse_faults(faults)) as base, httpx.Client(base_url=base) as client:
        yield client


@pytest.fixture(scope="module")
def sandbox() -> Iterator[httpx.Client]:
    yield from start("")


@pytest.fixture
def faulty(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    yield from start(request.param)


# --- protocols ----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
@pytest.mark.parametrize("ref", LISTS, ids=str)
def test_a_board_is_served_byte_for_byte(sandbox, ref, encoding):
    answer = sandbox.get(LISTS[ref], headers={"Accept-Encoding": encoding})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers.get("content-encoding", "identity") == encoding
    assert answer.content == body(ref)


@pytest.mark.parametrize("ref", LISTS, ids=str)
def test_a_board_that_did_not_change_is_not_sent_again(sandbox, ref):
    etag = sandbox.get(LISTS[ref]).headers["etag"]

    again = sandbox.get(LISTS[ref], headers={"If-None-Match": etag})
    other = sandbox.get(LISTS[ref], headers={"If-None-Match": 'W/"other"'})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    assert other.status_code == 200


@pytest.mark.parametrize("ref", LISTS, ids=str)
def test_a_board_is_not_sent_again_to_who_has_it_since_its_last_change(sandbox, ref):
    dated = sandbox.get(LISTS[ref]).headers["last-modified"]
    assert parsedate_to_datetime(dated) == AS_OF

    def status(**conditions: str) -> int:
        headers = {name.replace("_", "-"): value for name, value in conditions.items()}
        return sandbox.get(LISTS[ref], headers=headers).status_code

    assert status(if_modified_since=dated) == 304
    assert status(if_modified_since="Sun, 01 Nov 2026 23:59:59 GMT") == 200
    assert status(if_modified_since="Mon, 02 Nov 20266666666666 00:00:00 GMT") == 200
    assert status(if_modified_since="yesterday") == 200
    assert status(if_modified_since=dated, if_none_match='W/"other"') == 200


def test_a_world_that_goes_on_sends_what_changed_and_nothing_else():
    world = GeneratedWorld(10, 120, seed=2)
    with running(world) as base, httpx.Client(base_url=base) as client:
        etags = {ref: client.get(path).headers["etag"] for ref, path in LISTS.items()}
        before = {ref: world.answer(ref) for ref in LISTS}
        world.revision = 2

        for ref, path in LISTS.items():
            again = client.get(path, headers={"If-None-Match": etags[ref]})
            assert again.status_code == (304 if world.answer(ref) == before[ref] else 200)


@pytest.mark.parametrize("ref", LISTS, ids=str)
def test_the_sources_own_requests_find_board_and_posting(sandbox, ref):
    source = SOURCES[ref.ats]
    settings = Settings.load(environ=sandbox_variables(str(sandbox.base_url).rstrip("/")))

    board = sandbox.get(request_url(Address(ref), settings))
    first = merge(source.parse_board(board.content, ref)).postings[0]
    single = sandbox.get(request_url(Address(ref, first.external_id), settings))

    if source.posting_request is None:
        assert single.content == board.content
    else:
        assert merge(source.parse_posting(single.content, ref)).postings == (first,)


def test_greenhouse_leaves_text_and_pay_out_unless_asked(sandbox):
    prefix = f"{PREFIXES[GREENHOUSE]}/jobs"
    bare = sandbox.get(prefix).json()["jobs"]
    with_text = sandbox.get(f"{prefix}?content=true").json()["jobs"]
    whole = json.loads(body(GREENHOUSE))["jobs"]
    paid = next(job for job in whole if "pay_input_ranges" in job)

    assert all("content" not in job and "offices" not in job for job in bare)
    assert [job["id"] for job in bare] == [job["id"] for job in whole]
    assert [job["content"] for job in with_text] == [job["content"] for job in whole]
    assert not any("pay_input_ranges" in job for job in with_text)
    assert "pay_input_ranges" not in sandbox.get(f"{prefix}/{paid['id']}").json()


def test_greenhouse_names_the_employer(sandbox):
    name = json.loads(body(GREENHOUSE))["jobs"][0]["company_name"]

    assert sandbox.get(PREFIXES[GREENHOUSE]).json()["name"] == name


def test_lever_pages_with_skip_and_limit(sandbox):
    whole = json.loads(body(LEVER))

    pages = [
        sandbox.get(f"{LISTS[LEVER]}&skip={skip}&limit=2").json()
        for skip in range(0, len(whole) + 1, 2)
    ]

    assert [posting for page in pages for posting in page] == whole
    assert max(len(page) for page in pages) == 2


def test_ashby_leaves_pay_out_unless_asked(sandbox):
    bare = sandbox.get(PREFIXES[ASHBY]).json()["jobs"]
    whole = json.loads(body(ASHBY))["jobs"]

    assert not any("compensation" in job for job in bare)
    assert any(job["compensation"]["compensationTiers"] for job in whole)
    assert [job["descriptionHtml"] for job in bare] == [job["descriptionHtml"] for job in whole]


def test_lever_answers_html_unless_json_is_asked_for(sandbox):
    answer = sandbox.get(PREFIXES[LEVER])

    assert answer.headers["content-type"].startswith("text/html")
    assert "<!doctype html>" in answer.text


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/greenhouse/v1/boards/nobody/jobs?content=true", {"status": 404}),
        ("/greenhouse/v1/boards/nobody", {"status": 404}),
        (f"/greenhouse/v1/boards/{'long' * 100}/jobs", {"status": 404}),
        ("/greenhouse/v1/boards/%20/jobs", {"status": 404}),
        (f"{PREFIXES[GREENHOUSE]}/jobs/1", {"status": 404}),
        ("/lever/v0/postings/nobody?mode=json", {"ok": False}),
        (f"{PREFIXES[LEVER]}/nothing", {"ok": False}),
        (f"/lever/v0/postings/{LEVER_EU.token}?mode=json", {"ok": False}),
        (f"/lever_eu/v0/postings/{LEVER.token}?mode=json", {"ok": False}),
    ],
)
def test_what_is_not_there_is_a_404_in_the_words_of_its_ats(sandbox, path, error):
    answer = sandbox.get(path)

    assert answer.status_code == 404
    assert answer.json().items() >= error.items()


def test_ashby_knows_no_board_of_another_case(sandbox):
    for token in ("nobody", ASHBY.token.upper()):
        answer = sandbox.get(f"/ashby/posting-api/job-board/{token}")
        assert (answer.status_code, answer.text) == (404, "Not Found")


def test_it_lists_its_boards_and_says_that_it_is_well(sandbox):
    listed = sandbox.get("/sandbox/boards").json()

    assert tuple(BoardRef.model_validate(ref) for ref in listed) == WORLD.boards()
    assert sandbox.get("/sandbox/health").json() == {"status": "ok"}


def test_the_model_server_is_there_too(sandbox):
    assert sandbox.get("/").text == "Ollama is running"


def test_robots_txt_is_what_it_is_told_to_be_and_counts_apart(sandbox):
    rules = "User-agent: *\nCrawl-delay: 3\n"
    with running(WORLD, parse_faults("500"), robots=rules) as base:
        answer = httpx.get(f"{base}/robots.txt")
        log = httpx.get(f"{base}/sandbox/log").json()

    assert (answer.status_code, answer.text) == (200, rules)
    assert answer.headers["content-type"].startswith("text/plain")
    assert (log["robots"], log["requests"]) == (1, 0)
    assert sandbox.get("/robots.txt").status_code == 404


def test_recorded_boards_come_back_byte_for_byte(shared):
    folder = shared / "corpus" / "boards"
    paths = {
        "greenhouse": "/greenhouse/v1/boards/{}/jobs?content=true&pay_transparency=true",
        "lever": "/lever/v0/postings/{}?mode=json",
        "ashby": "/ashby/posting-api/job-board/{}?includeCompensation=true",
    }
    with running(ReplayWorld(folder)) as base, httpx.Client(base_url=base) as client:
        for ats, path in paths.items():
            for file in (folder / ats).iterdir():
                token = file.name.removesuffix(".json.gz")
                recorded = gzip.decompress(file.read_bytes())
                assert client.get(path.format(token)).content == recorded


# --- faults -------------------------------------------------------------------------------------


@pytest.mark.parametrize("faulty", ["429,retry-after=7"], indirect=True)
def test_a_rate_limited_request_is_told_when_to_come_back(faulty):
    answer = faulty.get(LISTS[GREENHOUSE])

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize("faulty", ["500"], indirect=True)
def test_a_server_error_is_a_500(faulty):
    assert faulty.get(LISTS[LEVER]).status_code == 500


@pytest.mark.parametrize("faulty", ["cut"], indirect=True)
@pytest.mark.parametrize("ref", LISTS, ids=str)
def test_a_cut_answer_ends_before_its_announced_length(faulty, ref):
    received = bytearray()

    def read(answer: httpx.Response) -> None:
        for chunk in answer.iter_raw():
            received.extend(chunk)

    with faulty.stream("GET", LISTS[ref]) as answer, pytest.raises(httpx.RemoteProtocolError):
        read(answer)

    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(body(ref))
    assert received == body(ref)[: len(received)]
    assert 0 < len(received) < len(body(ref))


@pytest.mark.parametrize("faulty", ["invalid"], indirect=True)
@pytest.mark.parametrize("ref", LISTS, ids=str)
def test_an_invalid_answer_is_whole_and_no_json(faulty, ref):
    answer = faulty.get(LISTS[ref], headers={"If-None-Match": "*"})

    assert answer.status_code == 200
    assert body(ref).startswith(answer.content)
    with pytest.raises(ValueError, match=r"line 1 column"):
        json.loads(answer.content)


@pytest.mark.parametrize("faulty", ["empty"], indirect=True)
def test_an_empty_answer_is_a_200_without_a_body(faulty):
    answer = faulty.get(LISTS[LEVER])

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("faulty", ["gone"], indirect=True)
def test_a_board_that_is_gone_is_a_410(faulty):
    assert faulty.get(LISTS[LEVER]).status_code == 410


@pytest.mark.parametrize("faulty", ["short"], indirect=True)
def test_a_short_answer_holds_fewer_jobs_than_it_counts(faulty):
    whole, short = json.loads(body(GREENHOUSE)), faulty.get(LISTS[GREENHOUSE]).json()

    assert short["meta"] == whole["meta"] == {"total": len(whole["jobs"])}
    assert short["jobs"] == whole["jobs"][: len(whole["jobs"]) // 2]
    assert faulty.get(LISTS[LEVER]).content == body(LEVER)
    assert faulty.get(LISTS[ASHBY]).content == body(ASHBY)
    assert faulty.get(PREFIXES[LEVER]).text.startswith("<!doctype html>")
    job = f"{PREFIXES[GREENHOUSE]}/jobs/{whole['jobs'][0]['id']}"
    assert faulty.get(job).json()["id"] == whole["jobs"][0]["id"]


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
@pytest.mark.parametrize("faulty", ["too-large"], indirect=True)
def test_an_answer_that_is_too_large_is_small_until_it_is_decompressed(faulty, encoding):
    inflated = on_the_way = 0
    reader = zlib.decompressobj(wbits=31)
    with faulty.stream("GET", LISTS[LEVER], headers={"Accept-Encoding": encoding}) as answer:
        for chunk in answer.iter_raw():
            on_the_way += len(chunk)
            inflated += len(reader.decompress(chunk) if encoding == "gzip" else chunk)

    assert inflated > 100 * 2**20
    assert on_the_way < 200_000 if encoding == "gzip" else on_the_way == inflated


@pytest.mark.parametrize(
    "faulty", [f"redirect@{GREENHOUSE.token},redirect@{LEVER.token}"], indirect=True
)
def test_a_redirected_request_finds_its_answer_at_another_path(faulty):
    for ref in (GREENHOUSE, LEVER):
        redirect = faulty.get(LISTS[ref])
        assert redirect.status_code == 302
        assert redirect.headers["location"] == f"/moved{LISTS[ref]}"
        assert faulty.get(redirect.headers["location"]).content == body(ref)

    log = faulty.get("/sandbox/log").json()
    assert log["statuses"] == {"302": 2, "200": 2}
    boards = [request["board"] for request in log["recent"]]
    assert boards == [GREENHOUSE.token, GREENHOUSE.token, LEVER.token, LEVER.token]


@pytest.mark.parametrize("faulty", ["redirect-inside"], indirect=True)
def test_a_redirect_can_lead_inside(faulty):
    answer = faulty.get(LISTS[LEVER])

    assert (answer.status_code, answer.headers["location"]) == (302, INSIDE)


@pytest.mark.parametrize("faulty", ["validators=off"], indirect=True)
@pytest.mark.parametrize("ref", LISTS, ids=str)
def test_without_validators_a_board_is_sent_every_time(faulty, ref):
    answer = WORLD.answer(ref)
    assert answer is not None
    again = faulty.get(LISTS[ref], headers={"If-None-Match": answer.etag})

    assert again.content == answer.body
    assert not {"etag", "last-modified"} & again.headers.keys()


@pytest.mark.parametrize("faulty", ["500@robots.txt"], indirect=True)
def test_robots_txt_can_fail_while_the_boards_do_not(faulty):
    assert faulty.get("/robots.txt").status_code == 500
    assert faulty.get(LISTS[LEVER]).status_code == 200


@pytest.mark.parametrize("faulty", [f"404:{LEVER.token},cut@{LEVER_EU.token}"], indirect=True)
def test_a_named_boards_fault_leaves_the_others_alone(faulty):
    assert faulty.get(LISTS[LEVER]).json() == {"ok": False, "error": "Document not found"}
    with pytest.raises(httpx.RemoteProtocolError):
        faulty.get(LISTS[LEVER_EU])
    assert faulty.get(LISTS[GREENHOUSE]).content == body(GREENHOUSE)


@pytest.mark.parametrize("faulty", ["500:0.5"], indirect=True)
def test_the_log_counts_requests_and_what_befell_them(faulty):
    statuses = [faulty.get(LISTS[GREENHOUSE]).status_code for _ in range(20)]

    log = faulty.get("/sandbox/log").json()

    assert log["requests"] == 20
    assert log["statuses"] == {str(status): statuses.count(status) for status in (200, 500)}
    assert log["faults"] == {"500": statuses.count(500)}
    assert [request["status"] for request in log["recent"]] == statuses
    assert log["recent"][0]["board"] == GREENHOUSE.token


async def test_a_slow_answer_waits_and_is_whole():
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    app = create_app(WORLD, parse_faults("slow,slow-seconds=30"), sleep=sleep)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://sandbox"
    ) as client:
        answer = await client.get(LISTS[LEVER])

    assert waited == [30.0]
    assert answer.content == body(LEVER)


def test_the_log_remembers_a_bounded_number_of_requests():
    log = RequestLog(clock=lambda: 1.5)
    for number in range(RECENT_REQUESTS + 10):
        log.add(f"/lever/v0/postings/{number}", "", 200, None)

    report = log.report()

    assert report["requests"] == RECENT_REQUESTS + 10
    assert len(report["recent"]) == RECENT_REQUESTS
    assert report["recent"][-1]["at"] == 1.5


# --- as a process -------------------------------------------------------------------------------


def test_a_process_announces_its_port_and_ends_when_told_to(tmp_path):
    port_file = tmp_path / "port"
    script = (
        "import sys; from pathlib import Path\n"
        "from openfunnel.sandbox.boards import GeneratedWorld\n"
        "from openfunnel.sandbox.serve import serve\n"
        "serve('127.0.0.1', 0, GeneratedWorld(1, 3), port_file=Path(sys.argv[1]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(port_file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        while not port_file.exists() and process.poll() is None:
            time.sleep(0.01)
        health = httpx.get(f"http://127.0.0.1:{port_file.read_text()}/sandbox/health")
    finally:
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=20)

    assert health.json() == {"status": "ok"}
    assert (process.returncode, printed) == (0, b"")


def test_a_port_that_is_taken_is_one_clear_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortUnavailable, match=f"Cannot listen on 127.0.0.1:{port}"):
            serve("127.0.0.1", port, WORLD)
