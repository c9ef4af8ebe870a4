"""The crawl frontier in Redis: leases of requests, as their hosts allow, and of start entries."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from redis.asyncio import Redis
from redis.exceptions import RedisError

from openfunnel.queue.connection import connect
from openfunnel.queue.frontier import Frontier, Taken, Waiting
from openfunnel.queue.hosts import Ceilings, HostOutcome, HostReport, Hosts
from openfunnel.queue.leases import HIDDEN_SECONDS, Job, Lease
from openfunnel.settings import Settings

LEASE_SECONDS = 60.0
START = "src:start_urls"
MIDDLE = 0.5
"""The random number that leaves an interval as it is."""

T = TypeVar("T")


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def frontier(redis: Redis, clock: Clock) -> Frontier:
    return frontier_of(redis, clock)


def frontier_of(redis: Redis, clock: Clock, per_second: float = 0, **options: Any) -> Frontier:
    return Frontier(redis, "src", Ceilings(per_second), clock, lambda: MIDDLE, **options)


def hosts_of(redis: Redis, clock: Clock, per_second: float = 0) -> Hosts:
    return Hosts(redis, Ceilings(per_second), clock, lambda: MIDDLE)


def request(key: str, host: str = "a.test", payload: str = "", priority: int = 0) -> Job:
    return Job(key, payload, priority, host)


async def take(frontier: Frontier, limit: int = 100, entries: int = 100) -> Taken:
    return await frontier.take_allowed(limit, entries, LEASE_SECONDS)


async def take_keys(frontier: Frontier, limit: int = 100) -> list[str]:
    return [lease.job.key for lease in (await take(frontier, limit)).leases]


async def take_one(frontier: Frontier) -> Lease:
    (lease,) = (await take(frontier)).leases
    return lease


# --- requests -----------------------------------------------------------------------------------


async def test_a_request_is_leased_once_and_forgotten_when_acknowledged(
    redis: Redis, frontier: Frontier
) -> None:
    job = request("src:acme", payload="bytes", priority=-3)
    assert await frontier.push([job]) == 1

    lease = await take_one(frontier)
    assert (lease.job, lease.attempts, lease.deaths) == (job, 0, 0)
    assert (await take(frontier)).leases == ()

    assert await frontier.acknowledge_all([lease]) == []
    assert await frontier.waiting() == Waiting(0, 0)
    assert await redis.keys("src:requests:host:*") == []


async def test_within_a_host_priority_counts_then_who_came_first(frontier: Frontier) -> None:
    await frontier.push([request("late", priority=5), request("z"), request("a")])
    await frontier.push([request("urgent", priority=-5)])

    assert await take_keys(frontier) == ["urgent", "z", "a", "late"]


async def test_hosts_take_turns(redis: Redis, frontier: Frontier, clock: Clock) -> None:
    await frontier.push([request(f"a{n}") for n in range(50)])
    clock.now += 1
    await frontier.push([request(f"b{n}", "b.test") for n in range(3)])
    await frontier.push([request(f"c{n}", "c.test") for n in range(2)])

    taken = [key[0] for key in await take_keys(frontier, limit=8)]

    assert sorted(taken[:6]) == sorted("abcabc")
    assert sorted(taken[6:]) == ["a", "b"]


async def test_hosts_take_turns_from_take_to_take(frontier: Frontier, clock: Clock) -> None:
    for host in "abcd":
        await frontier.push([request(f"{host}{n}", host) for n in range(9)])
    taken = []
    for _ in range(8):
        clock.now += 0.001
        taken += await take_keys(frontier, limit=1)

    assert sorted(key[0] for key in taken[:4]) == sorted(key[0] for key in taken[4:])
    assert len({key[0] for key in taken[:4]}) == 4


async def test_thousands_of_hosts_are_all_served(frontier: Frontier) -> None:
    keys = {f"{n}" for n in range(3000)}
    await frontier.push([request(key, f"{key}.test") for key in keys])
    taken: list[str] = []
    while some := await take_keys(frontier, limit=1000):
        taken += some

    assert len(taken) == len(keys)
    assert set(taken) == keys


# --- what a crawler has in hand -----------------------------------------------------------------


async def test_no_more_of_one_host_are_taken_than_a_crawler_may_have_in_hand(
    frontier: Frontier,
) -> None:
    await frontier.push([request(f"a{n}") for n in range(9)])
    await frontier.push([request(f"b{n}", "b.test") for n in range(9)])
    await frontier.push([request(f"c{n}", "c.test") for n in range(2)])

    taken = await frontier.take_allowed(
        100, 0, LEASE_SECONDS, per_host=4, in_hand={"A.test": 3, "c.test": 3}
    )

    assert sorted(lease.job.key for lease in taken.leases) == ["a0", "b0", "b1", "b2", "b3", "c0"]


async def test_a_host_the_crawler_is_full_of_keeps_its_place_and_is_not_waited_for(
    redis: Redis, frontier: Frontier, clock: Clock
) -> None:
    await frontier.push([request(str(n)) for n in range(9)])
    first = await frontier.take_allowed(100, 0, LEASE_SECONDS, per_host=4)
    assert (len(first.leases), first.wait_seconds) == (4, LEASE_SECONDS)
    before = await redis.zrange("src:requests:hosts", 0, -1, withscores=True)
    clock.now += 1

    again = await frontier.take_allowed(100, 0, LEASE_SECONDS, 4, {"a.test": 4})

    assert (again.leases, again.wait_seconds) == ((), LEASE_SECONDS - 1)
    assert await redis.zrange("src:requests:hosts", 0, -1, withscores=True) == before
    other = await take(frontier)
    assert len(other.leases) == 5


async def test_nothing_but_full_hosts_is_nothing_to_wait_for(
    redis: Redis, frontier: Frontier, clock: Clock
) -> None:
    await frontier.push([request("a"), request("b", "b.test")])
    full = {"a.test": 1, "b.test": 7}
    assert (await frontier.take_allowed(9, 9, LEASE_SECONDS, 1, full)).wait_seconds is None

    await frontier.push([request("c", "c.test")])
    await hosts_of(redis, clock).report([HostReport("c.test", None, HostOutcome.REFUSED, 3)])
    assert (await frontier.take_allowed(9, 9, LEASE_SECONDS, 1, full)).wait_seconds == 3


async def test_hosts_a_crawler_is_full_of_hide_no_other(frontier: Frontier, clock: Clock) -> None:
    full = [f"{n}.test" for n in range(200)]
    await frontier.push([request(host, host) for host in full])
    clock.now += 1
    await frontier.push([request("free", "free.test")])

    taken = await frontier.take_allowed(1, 0, LEASE_SECONDS, 2, dict.fromkeys(full, 2))

    assert [lease.job.key for lease in taken.leases] == ["free"]


# --- rates, blocks, circuits --------------------------------------------------------------------


async def test_two_crawlers_share_one_rate(redis: Redis, clock: Clock) -> None:
    both = [frontier_of(redis, clock, per_second=10), frontier_of(redis, clock, per_second=10)]
    await both[0].push([request(str(n)) for n in range(40)])
    begin, counts = clock.now, []
    for turn in range(20):
        clock.now = begin + turn / 20
        counts.append(len(await take_keys(both[turn % 2])))

    # a burst of two, then one in a tenth of a second, over both
    assert counts == [2, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]


async def test_sources_on_one_host_share_its_rate(redis: Redis, clock: Clock) -> None:
    first = frontier_of(redis, clock, per_second=10)
    second = Frontier(redis, "other", Ceilings(10), clock, lambda: MIDDLE)
    for frontier in (first, second):
        await frontier.push([request(str(n)) for n in range(5)])

    assert len(await take_keys(first)) == 2
    taken = await take(second)
    assert (taken.leases, taken.wait_seconds) == ((), pytest.approx(0.1))


async def test_a_host_has_the_ceiling_set_for_it(redis: Redis, clock: Clock) -> None:
    ceilings = Ceilings(1, {"free.test": 0, "slow.test": 0.1})
    frontier = Frontier(redis, "src", ceilings, clock, lambda: MIDDLE)
    for host in ("free.test", "slow.test", "a.test"):
        await frontier.push([request(f"{host}{n}", host) for n in range(5)])

    assert len(await take_keys(frontier)) == 5 + 2 + 2
    clock.now += 1
    assert await take_keys(frontier) == ["a.test2"]
    clock.now += 9
    assert sorted(await take_keys(frontier)) == ["a.test3", "a.test4", "slow.test2"]


async def test_a_host_that_may_not_be_asked_holds_up_no_other(redis: Redis, clock: Clock) -> None:
    frontier = frontier_of(redis, clock)
    await frontier.push([request(f"a{n}", priority=-9) for n in range(300)])
    await frontier.push([request("b", "b.test")])
    await hosts_of(redis, clock).report([HostReport("a.test", None, HostOutcome.REFUSED, 3)])

    taken = await take(frontier, limit=10)
    assert [lease.job.key for lease in taken.leases] == ["b"]
    assert taken.wait_seconds == 3

    clock.now += 2.999
    assert await take_keys(frontier) == []
    clock.now += 0.001
    assert len(await take_keys(frontier, limit=10)) == 10


async def test_many_blocked_hosts_do_not_hide_one_that_is_well(redis: Redis, clock: Clock) -> None:
    frontier = frontier_of(redis, clock)
    blocked = [f"{n}.test" for n in range(500)]
    await frontier.push([request(host, host) for host in blocked])
    clock.now += 1
    await frontier.push([request("well", "well.test")])
    reports = [HostReport(host, None, HostOutcome.REFUSED, 60) for host in blocked]
    await hosts_of(redis, clock).report(reports)

    taken: list[Lease] = []
    while True:
        answer = await take(frontier, limit=1)
        taken += answer.leases
        if answer.wait_seconds:
            break

    assert [lease.job.key for lease in taken] == ["well"]


async def test_a_half_open_host_gets_one_request_at_a_time(redis: Redis, clock: Clock) -> None:
    frontiers, hosts = [frontier_of(redis, clock) for _ in range(2)], hosts_of(redis, clock)
    await frontiers[0].push([request(str(n)) for n in range(9)])
    await hosts.report([HostReport("a.test", None, HostOutcome.FAILED)] * 10)
    assert (await take(frontiers[0])).wait_seconds == 30

    clock.now += 30
    probe = await take_one(frontiers[0])
    for frontier in frontiers:
        answer = await take(frontier)
        assert (answer.leases, answer.wait_seconds) == ((), 1)

    await hosts.report([HostReport("a.test", 0.1, HostOutcome.OK)])
    await frontiers[0].acknowledge(probe)
    clock.now += 1
    assert len(await take_keys(frontiers[1])) == 8


async def test_a_probe_whose_crawler_died_is_followed_by_another(
    redis: Redis, clock: Clock
) -> None:
    frontier = frontier_of(redis, clock)
    await frontier.push([request("1"), request("2")])
    report = HostReport("a.test", None, HostOutcome.FAILED)
    await hosts_of(redis, clock).report([report] * 10)
    clock.now += 30
    await take_one(frontier)

    clock.now += LEASE_SECONDS - 0.001
    assert await take_keys(frontier) == []
    clock.now += 0.001
    assert await take_keys(frontier) == ["2"]


async def test_requests_outside_the_frontier_count_too(redis: Redis, clock: Clock) -> None:
    frontier, hosts = frontier_of(redis, clock, 10), hosts_of(redis, clock, 10)
    await frontier.push([request(str(n)) for n in range(5)])
    assert [await hosts.reserve("a.test") for _ in range(3)] == [0, 0, pytest.approx(0.1)]

    assert (await take(frontier)).wait_seconds == pytest.approx(0.2)


@pytest.mark.parametrize(("random", "sent", "wait"), [(0.0, 2, 0.6), (0.25, 2, 0.8), (1.0, 1, 0.2)])
async def test_intervals_are_jittered_by_a_fifth(
    redis: Redis, clock: Clock, random: float, sent: int, wait: float
) -> None:
    frontier = Frontier(redis, "src", Ceilings(1), clock, lambda: random)
    await frontier.push([request(str(n)) for n in range(3)])

    taken = await take(frontier)

    assert (len(taken.leases), taken.wait_seconds) == (sent, pytest.approx(wait))


# --- how long to wait ---------------------------------------------------------------------------


async def test_wait_tells_when_something_may_be_ready(frontier: Frontier, clock: Clock) -> None:
    assert (await take(frontier)).wait_seconds is None

    await frontier.push([request("delayed")], delay_seconds=7)
    assert (await take(frontier)).wait_seconds == 7

    await frontier.push([request("1"), request("2", "b.test")])
    assert (await take(frontier, limit=1)).wait_seconds == 0
    assert len((await take(frontier)).leases) == 1
    clock.now += 7
    assert (await take_one(frontier)).job.key == "delayed"
    assert (await take(frontier)).wait_seconds == LEASE_SECONDS - 7


@pytest.mark.parametrize("score", ["inf", 1e300, 1e16, "-inf"])
@pytest.mark.parametrize("name", ["delayed", "lease", "hosts"])
async def test_a_score_others_wrote_is_no_time_to_wait(
    redis: Redis, frontier: Frontier, name: str, score: str | float
) -> None:
    await redis.zadd(f"src:requests:{name}", {"junk": score})

    for limit in (0, 9):
        wait = (await take(frontier, limit)).wait_seconds
        assert wait is None or 0 <= wait <= 600


@pytest.mark.parametrize("score", ["inf", 1e300, 1e16])
async def test_a_host_put_off_for_too_long_is_looked_at_again(
    redis: Redis, frontier: Frontier, score: str | float
) -> None:
    await frontier.push([request("1"), request("2", "b.test")])
    await redis.zadd("src:requests:hosts", {"a.test": score})

    assert sorted(await take_keys(frontier)) == ["1", "2"]


async def test_a_clock_set_back_keeps_no_host_away_for_more_than_ten_minutes(
    redis: Redis, frontier: Frontier, clock: Clock
) -> None:
    await frontier.push([request("1")])
    await hosts_of(redis, clock).report([HostReport("a.test", None, HostOutcome.REFUSED, 60)])
    assert (await take(frontier)).wait_seconds == 60

    clock.now -= 24 * 3600
    assert (await take(frontier)).wait_seconds == 600
    clock.now += 300
    assert (await take(frontier)).wait_seconds == 300
    clock.now += 300
    assert await take_keys(frontier) == ["1"]


async def test_nothing_asked_for_is_nothing_taken(redis: Redis, frontier: Frontier) -> None:
    await frontier.push([request("1")])
    await redis.lpush(START, "entry")

    assert (await take(frontier, 0, 0)).leases == ()
    assert (await take(frontier, -1, -1)).leases == ()
    assert [lease.job.key for lease in await frontier.take(9, LEASE_SECONDS)] == ["1"]
    assert await frontier.push([]) == 0
    assert await frontier.exchange([]) == []
    assert await frontier.release_all([]) == []


# --- start entries ------------------------------------------------------------------------------


async def test_entries_are_leased_in_the_order_they_came(redis: Redis, frontier: Frontier) -> None:
    await redis.lpush(START, "first", "second", "third")

    taken = await take(frontier, entries=2)

    leases = taken.leases
    assert taken.wait_seconds == 0
    assert [lease.job.payload for lease in leases] == ["first", "second"]
    assert (await take(frontier, entries=0)).wait_seconds == LEASE_SECONDS
    assert all(lease.job.key.startswith("entry:") for lease in leases)
    assert [lease.job.host for lease in leases] == [None, None]
    assert await frontier.waiting() == Waiting(entries=1, unfinished=2)


async def test_an_entry_of_a_killed_crawler_comes_back_before_the_others(
    redis: Redis, frontier: Frontier, clock: Clock
) -> None:
    await redis.lpush(START, "first", "second")
    lost = (await take(frontier, entries=1)).leases[0]
    clock.now += LEASE_SECONDS
    assert (await take(frontier, 0, 0)).wait_seconds == 0.5
    clock.now += 0.5

    first, second = (await take(frontier)).leases

    assert (first.job, first.deaths) == (lost.job, 1)
    assert second.job.payload == "second"
    assert await frontier.acknowledge_all([lost, first, second]) == [lost]


async def test_an_entry_is_exchanged_for_its_request(redis: Redis, frontier: Frontier) -> None:
    await redis.lpush(START, "acme")
    entry = await take_one(frontier)

    assert await frontier.exchange([(entry, request("src:acme", payload="request"))]) == []

    assert await frontier.known([entry.job.key, "src:acme"]) == {"src:acme"}
    assert (await take_one(frontier)).job == request("src:acme", payload="request")
    assert await redis.exists(f"src:requests:job:{entry.job.key}") == 0


async def test_entries_for_one_board_make_one_request(redis: Redis, frontier: Frontier) -> None:
    await redis.lpush(START, "acme", "acme", "acme")
    entries = (await take(frontier)).leases

    await frontier.exchange([(entry, request("src:acme")) for entry in entries[:2]])
    lease = await take_one(frontier)
    await frontier.exchange([(entries[2], request("src:acme", payload="again"))])

    assert await take_keys(frontier) == []
    await frontier.acknowledge(lease)
    assert (await take_one(frontier)).job.payload == "again"


async def test_nothing_is_exchanged_for_a_lease_that_is_lost(
    redis: Redis, frontier: Frontier, clock: Clock
) -> None:
    await redis.lpush(START, "kept", "lost")
    kept, lost = (await take(frontier)).leases
    await frontier.release_all([lost], delay_seconds=5)

    pairs = [(lost, request("src:lost")), (kept, request("src:kept"))]
    assert await frontier.exchange(pairs) == [lost]

    assert await frontier.known(["src:lost", "src:kept"]) == {"src:kept"}
    clock.now += 5
    assert {lease.job.payload for lease in (await take(frontier)).leases} == {"lost", ""}


async def test_a_redirect_keeps_key_failures_and_deaths(frontier: Frontier, clock: Clock) -> None:
    await frontier.push([request("1", payload="here")])
    await frontier.fail(await take_one(frontier), "busy", delay_seconds=0)
    await take(frontier)
    clock.now += LEASE_SECONDS + 1
    await frontier.reap()
    clock.now += 1
    lease = await take_one(frontier)

    moved = request("1", "b.test", payload="there", priority=2)
    assert await frontier.exchange([(lease, moved)], delay_seconds=3) == []

    assert await take_keys(frontier) == []
    clock.now += 3
    again = await take_one(frontier)
    assert (again.job, again.attempts, again.deaths) == (moved, 1, 1)
    assert again.token > lease.token


async def test_what_is_pushed_during_a_redirect_is_not_lost(frontier: Frontier) -> None:
    await frontier.push([request("1", payload="old")])
    lease = await take_one(frontier)
    await frontier.push([request("1", payload="pushed meanwhile")])

    await frontier.exchange([(lease, request("1", payload="redirected"))])

    assert (await take_one(frontier)).job.payload == "pushed meanwhile"


async def test_a_released_request_counts_nothing_and_is_ready_at_once(frontier: Frontier) -> None:
    await frontier.push([request("1"), request("2")])
    leases = (await take(frontier)).leases

    assert await frontier.release_all(leases) == []
    assert await frontier.release_all(leases) == list(leases)

    again = (await take(frontier)).leases
    assert [(one.job.key, one.attempts, one.deaths) for one in again] == [("1", 0, 0), ("2", 0, 0)]


async def test_redeliveries_wait_longer_each_time_and_end(redis: Redis, clock: Clock) -> None:
    frontier = frontier_of(redis, clock, max_deaths=4)
    await frontier.push([request("1")])
    waits = []
    for _ in range(4):
        await take_one(frontier)
        clock.now += LEASE_SECONDS
        waits.append((await take(frontier)).wait_seconds)
        clock.now += waits[-1] or 0

    assert waits == [0.5, 1, 2, None]
    (dead,) = await frontier.dead(10)
    assert (dead.job.key, dead.job.host, dead.deaths) == ("1", "a.test", 4)


# --- fingerprints -------------------------------------------------------------------------------


async def test_a_fingerprint_seen_before_is_skipped(redis: Redis, frontier: Frontier) -> None:
    jobs = [request(str(n)) for n in range(4)]

    assert await frontier.push(jobs, fingerprints=[b"x", b"\xff", b"x", None]) == 3
    assert await frontier.push([request("5"), request("6")], 0, [b"x", None]) == 1

    assert await take_keys(frontier) == ["0", "1", "3", "6"]
    assert await redis.smembers("src:dupefilter") == {b"x", b"\xff"}


# --- what others put into Redis -----------------------------------------------------------------


@pytest.mark.parametrize("entry", [b"\xff\x00\xfe", b"", b"x" * 1_000_000, b"\xed\xa0\x80", b"[]"])
async def test_entries_of_any_bytes_are_leased(
    redis: Redis, frontier: Frontier, entry: bytes
) -> None:
    await redis.lpush(START, entry)

    lease = await take_one(frontier)

    assert len(lease.job.payload) <= len(entry)
    dead = await frontier.kill(lease, "it makes no sense", "")
    assert dead is not None
    assert dead.job == lease.job


@pytest.mark.parametrize("score", [0, -1e15, 1e15, float("inf"), 7.5])
async def test_a_member_somebody_else_wrote_is_adopted_as_an_entry(
    redis: Redis, frontier: Frontier, score: float
) -> None:
    await frontier.push([request("ours"), request("entry:5")])
    foreign = [b'{"url": "https://a.test"}', b"\x80\x04 pickled \xff", b"x" * 1_000_000]
    await redis.zadd("src:requests", dict.fromkeys(foreign, score))
    assert (await frontier.waiting()).unfinished == 5

    leases = (await take(frontier)).leases

    payloads = [lease.job.payload for lease in leases if lease.job.host is None]
    assert sorted(map(len, payloads)) == sorted(map(len, foreign))
    assert len(leases) == 5
    assert await frontier.acknowledge_all(leases) == []
    assert await frontier.waiting() == Waiting(0, 0)


async def test_thousands_of_foreign_members_are_adopted_among_our_own(
    redis: Redis, frontier: Frontier
) -> None:
    await frontier.push([request(f"ours{n}", priority=n % 3 - 1) for n in range(1500)])
    await redis.zadd("src:requests", {f"foreign{n}": n - 1000 for n in range(2500)})
    payloads: set[str] = set()
    while leases := (await take(frontier, 0, 1000)).leases:
        payloads |= {lease.job.payload for lease in leases}

    assert payloads == {f"foreign{n}" for n in range(2500)}
    assert len(await take_keys(frontier, limit=1000)) == 1000


async def test_a_foreign_member_is_found_behind_one_that_was_stolen(
    redis: Redis, frontier: Frontier
) -> None:
    await frontier.push([request("1"), request("2")])
    await redis.zpopmin("src:requests")
    await redis.zadd("src:requests", {"foreign": 0})

    payloads = []
    for _ in range(2):
        payloads += [lease.job.key.partition(":")[0] for lease in (await take(frontier)).leases]

    assert sorted(payloads) == ["2", "entry"]


async def test_a_ready_set_that_was_emptied_leaves_nothing_behind(
    redis: Redis, frontier: Frontier
) -> None:
    await frontier.push([request("1"), request("2", "b.test")])
    await redis.delete("src:requests")

    assert await take_keys(frontier) == []

    assert set(await redis.keys("src:requests*")) == {
        b"src:requests:sequence",
        b"src:requests:listed",
    }
    await frontier.push([request("1")])
    assert await take_keys(frontier) == ["1"]


@pytest.mark.parametrize("name", ["host:a.test", "entries", "hosts", "listed", "job:1"])
async def test_a_lost_index_is_made_anew(redis: Redis, frontier: Frontier, name: str) -> None:
    await frontier.push([request("1"), request("2", "b.test")])
    await redis.delete(f"src:requests:{name}")

    taken = []
    for _ in range(2):
        taken += (await take(frontier)).leases

    assert len(taken) == 2


@pytest.mark.parametrize("kind", ["set", "sorted set"])
async def test_entries_are_taken_from_whatever_scrapy_redis_may_keep_them_in(
    redis: Redis, frontier: Frontier, kind: str
) -> None:
    if kind == "set":
        await redis.sadd(START, "first", "second", "third")
    else:
        await redis.zadd(START, {"third": 1, "first": 9.5, "second": 5})
    assert (await frontier.waiting()).entries == 3

    taken = await take(frontier, entries=2)
    assert taken.wait_seconds == 0
    payloads = [lease.job.payload for lease in (*taken.leases, *(await take(frontier)).leases)]

    assert sorted(payloads) == ["first", "second", "third"]
    if kind == "sorted set":
        assert payloads == ["first", "second", "third"]
    await redis.lpush(START, "fourth")
    assert (await take_one(frontier)).job.payload == "fourth"


async def test_a_start_list_nobody_can_read_stops_nothing_and_is_named_once(
    redis: Redis, frontier: Frontier, caplog: pytest.LogCaptureFixture
) -> None:
    await redis.lpush(START, "entry")
    entry = await take_one(frontier)
    await redis.hset(START, "wrong", "type")
    await frontier.push([request("1"), request("2")])

    one = (await take(frontier, limit=1)).leases[0]
    assert await frontier.exchange([(entry, request("3"))]) == []
    assert await frontier.acknowledge(one)
    assert await frontier.waiting() == Waiting(entries=0, unfinished=2)
    assert await take_keys(frontier) == ["2", "3"]

    (record,) = caplog.records
    assert record.getMessage().startswith("src:start_urls is a hash, not a list")
    await redis.delete(START)
    await redis.lpush(START, "entry")
    assert (await take_one(frontier)).job.payload == "entry"
    await redis.set(START, "wrong again")
    await take(frontier)
    assert "is a string" in caplog.text


DERIVED = ["src:requests:host:a.test", "openfunnel:host:a.test"]
FIXED = [
    *("src:requests", "src:dupefilter", "openfunnel:hosts"),
    *(f"src:requests:{name}" for name in ("delayed", "lease", "dead", "hosts", "entries")),
    *(f"src:requests:{name}" for name in ("listed", "sequence", "token")),
]


@pytest.mark.parametrize("key", FIXED)
async def test_a_key_of_a_wrong_type_is_an_error_that_changes_nothing(
    redis: Redis, frontier: Frontier, key: str
) -> None:
    await frontier.push([request("1"), request("2")], fingerprints=[b"1", b"2"])
    lease = (await take(frontier, limit=1)).leases[0]
    await frontier.push([request("3")], delay_seconds=0.000001)
    await redis.lpush(START, "entry")
    kept = await redis.dump(key)
    await redis.delete(key)
    await redis.hset(key, "wrong", "type")
    before = {name: await redis.dump(name) for name in await redis.keys("*")}

    for ask in (
        take(frontier),
        frontier.push([request("4")]),
        frontier.acknowledge(lease),
        frontier.fail(lease, "", 0),
        frontier.exchange([(lease, request("5"))]),
        frontier.reap(),
        frontier.waiting(),
    ):
        with pytest.raises(RedisError):
            await ask

    assert {name: await redis.dump(name) for name in await redis.keys("*")} == before
    await redis.delete(key)
    if kept is not None:
        await redis.restore(key, 0, kept)
    assert len((await take(frontier)).leases) >= 2


@pytest.mark.parametrize("key", DERIVED)
async def test_what_can_be_made_anew_is_when_its_type_is_wrong(
    redis: Redis, frontier: Frontier, key: str
) -> None:
    await frontier.push([request("1"), request("2")])
    await redis.delete(key)
    await redis.set(key, "wrong")

    await take(frontier)
    await frontier.push([request("3")])

    assert await redis.zcard("src:requests:lease") in (0, 2)
    assert set(await take_keys(frontier)) | {"1", "2"} == {"1", "2", "3"}
    assert await redis.zcard("src:requests:lease") == 3


async def test_a_wipe_ends_all_leases_and_tokens_still_grow(
    redis: Redis, frontier: Frontier, clock: Clock
) -> None:
    await frontier.push([request("1")])
    lease = await take_one(frontier)

    await redis.flushall()
    clock.now += 0.1

    assert await frontier.acknowledge_all([lease]) == [lease]
    assert await frontier.exchange([(lease, request("2"))]) == [lease]
    assert await frontier.waiting() == Waiting(0, 0)
    await frontier.push([request("1")])
    assert (await take_one(frontier)).token > lease.token


async def test_redis_own_clock_counts_where_none_is_given(redis: Redis) -> None:
    frontier = Frontier(redis, "src", Ceilings(0.001), random=lambda: MIDDLE)
    await frontier.push([request(str(n)) for n in range(4)])

    taken = await take(frontier)

    assert len(taken.leases) == 2
    assert taken.wait_seconds is not None
    assert 0 < taken.wait_seconds <= LEASE_SECONDS


# --- whatever is asked of it --------------------------------------------------------------------

RATE = 2.0
KEYS = st.sampled_from([f"k{n}" for n in range(6)])
HOSTS = st.sampled_from(["a", "a", "a", "b", "c"])
SECONDS = st.sampled_from([0.0, 0.1, 0.5, 2.0, 40.0])


class AnyCrawl(RuleBasedStateMachine):
    """Whatever crawlers do and suffer, nothing is lost, doubled or sent too fast."""

    redis_settings: Settings

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = Clock()
        self.wanted: set[str] = set()
        """Keys that were pushed and are not done, as payloads of entries where not yet read."""
        self.leases: list[Lease] = []
        """All ever handed out, also those that are lost."""
        self.held: dict[str, tuple[int, float]] = {}
        """Token and expiry by key, of leases nobody ended."""
        self.sent: dict[str, list[float]] = {"a": [], "b": [], "c": []}
        self.told: dict[str, float] = {}
        """Since when somebody has been told of a dead job, by key."""
        self.entries = 0

    @initialize()
    def start(self) -> None:
        self.client = self.do(connect(self.redis_settings))
        self.do(self.client.flushall())
        self.open()

    def open(self) -> None:
        ceilings = Ceilings(RATE, {"c": 0})
        self.frontier = Frontier(
            self.client, "src", ceilings, self.clock, lambda: MIDDLE, max_attempts=3, max_deaths=3
        )
        self.hosts = Hosts(self.client, ceilings, self.clock, lambda: MIDDLE)

    def teardown(self) -> None:
        if hasattr(self, "client"):
            self.do(self.client.aclose())
        self.loop.close()

    def do(self, work: Awaitable[T]) -> T:
        return self.loop.run_until_complete(work)

    def some_lease(self, index: int) -> Lease:
        return self.leases[index % len(self.leases)]

    def is_held(self, lease: Lease) -> bool:
        return self.held.get(lease.job.key, (0, 0.0))[0] == lease.token

    def let_go(self, lost: bool, lease: Lease) -> bool:
        """Compare what is answered with what is known; True where the lease ended just now."""
        assert lost != self.is_held(lease)
        if not lost:
            del self.held[lease.job.key]
        return not lost

    def name(self, job: Job) -> str:
        return job.payload if job.host is None else job.key

    @rule(
        keys=st.sets(KEYS, min_size=1),
        host=HOSTS,
        delay=st.sampled_from([0.0, 0.0, 0.0, 0.5]),
        priority=st.integers(-1, 1),
    )
    def push(self, keys: set[str], host: str, delay: float, priority: int) -> None:
        self.do(self.frontier.push([Job(key, "", priority, host) for key in sorted(keys)], delay))
        self.wanted |= set(keys)

    @rule(n=st.integers(1, 3))
    def lpush(self, n: int) -> None:
        for _ in range(n):
            self.entries += 1
            self.do(self.client.lpush(START, f"e{self.entries}"))
            self.wanted.add(f"e{self.entries}")

    @rule(score=st.sampled_from([-5.0, 0.0, 1e14]))
    def zadd(self, score: float) -> None:
        self.entries += 1
        self.do(self.client.zadd("src:requests", {f"e{self.entries}": score}))
        self.wanted.add(f"e{self.entries}")

    @rule(
        limit=st.sampled_from([0, 1, 8, 8]),
        entries=st.integers(0, 3),
        seconds=st.sampled_from([1.0, 30.0]),
        pause=SECONDS,
        per_host=st.sampled_from([None, None, 1, 3]),
        in_hand=st.dictionaries(HOSTS, st.integers(0, 4)),
    )
    def take(
        self,
        limit: int,
        entries: int,
        seconds: float,
        pause: float,
        per_host: int | None,
        in_hand: dict[str, int],
    ) -> None:
        self.clock.now += pause
        now = self.clock.now
        self.expire()
        taken = self.do(self.frontier.take_allowed(limit, entries, seconds, per_host, in_hand))
        requests = [lease for lease in taken.leases if lease.job.host is not None]
        assert len(requests) <= limit
        assert len(taken.leases) - len(requests) <= entries
        for lease in taken.leases:
            assert lease.job.key not in self.held
            assert all(lease.token > earlier.token for earlier in self.leases)
            self.held[lease.job.key] = (lease.token, now + seconds)
            self.leases.append(lease)
        for lease in requests:
            assert lease.job.host is not None
            self.sent[lease.job.host].append(now)
        for host, count in Counter(lease.job.host for lease in requests).items():
            assert host is not None
            assert per_host is None or count + in_hand.get(host, 0) <= per_host
        assert taken.wait_seconds is None or taken.wait_seconds >= 0

    def expire(self) -> None:
        """What the frontier does first in a take or a reap."""
        for key, (_, expiry) in list(self.held.items()):
            if expiry <= self.clock.now:
                del self.held[key]

    @rule()
    def reap(self) -> None:
        self.expire()
        self.do(self.frontier.reap())

    @precondition(lambda self: self.leases)
    @rule(index=st.integers(0, 20), seconds=st.sampled_from([1.0, 30.0]))
    def extend(self, index: int, seconds: float) -> None:
        lease = self.some_lease(index)
        lost = self.do(self.frontier.extend([lease], seconds))
        assert bool(lost) != self.is_held(lease)
        if not lost:
            self.held[lease.job.key] = (lease.token, self.clock.now + seconds)

    @precondition(lambda self: self.leases)
    @rule(index=st.integers(0, 20))
    def acknowledge(self, index: int) -> None:
        lease = self.some_lease(index)
        lost = bool(self.do(self.frontier.acknowledge_all([lease])))
        pushed_again = lease.job.key in self.do(self.frontier.known([lease.job.key]))
        if self.let_go(lost, lease) and not pushed_again:
            self.wanted.discard(self.name(lease.job))

    @precondition(lambda self: self.leases)
    @rule(index=st.integers(0, 20), key=KEYS, host=HOSTS, delay=SECONDS, same=st.booleans())
    def exchange(self, index: int, key: str, host: str, delay: float, same: bool) -> None:
        lease = self.some_lease(index)
        job = Job(lease.job.key if same and lease.job.host else key, "", 0, host)
        lost = bool(self.do(self.frontier.exchange([(lease, job)], delay)))
        if self.let_go(lost, lease):
            if lease.job.key not in self.do(self.frontier.known([lease.job.key])):
                self.wanted.discard(self.name(lease.job))
            self.wanted.add(job.key)

    @precondition(lambda self: self.leases)
    @rule(index=st.integers(0, 20), delay=SECONDS)
    def release(self, index: int, delay: float) -> None:
        lease = self.some_lease(index)
        self.let_go(bool(self.do(self.frontier.release_all([lease], delay))), lease)

    @precondition(lambda self: self.leases)
    @rule(index=st.integers(0, 20), delay=SECONDS)
    def fail(self, index: int, delay: float) -> None:
        lease = self.some_lease(index)
        dead = self.do(self.frontier.fail(lease, "error", delay))
        if dead is not None:
            self.told[dead.job.key] = self.clock.now
        if self.is_held(lease):
            del self.held[lease.job.key]

    @rule(is_buried=st.booleans())
    def see_to_the_dead(self, is_buried: bool) -> None:
        now = self.clock.now
        dead = [job.job for job in self.do(self.frontier.dead(10))]
        hidden = {key for key, since in self.told.items() if since + HIDDEN_SECONDS > now}
        assert not hidden & {job.key for job in dead}
        self.told |= dict.fromkeys((job.key for job in dead), now)
        if not is_buried:
            return
        self.do(self.frontier.bury([job.key for job in dead]))
        for job in dead:
            del self.told[job.key]
        known = self.do(self.frontier.known([job.key for job in dead]))
        self.wanted -= {self.name(job) for job in dead if job.key not in known}

    @rule(
        host=HOSTS,
        outcome=st.sampled_from([*HostOutcome, *[HostOutcome.OK] * 4]),
        retry_after=SECONDS,
    )
    def report(self, host: str, outcome: HostOutcome, retry_after: float) -> None:
        self.do(self.hosts.report([HostReport(host, 0.1, outcome, retry_after)]))

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def crash(self) -> None:
        """A crawler forgets what it had and starts again."""
        self.leases = self.leases[-1:]
        self.do(self.client.script_flush())
        self.do(self.client.connection_pool.disconnect())
        self.open()

    @precondition(lambda self: len(self.leases) >= 9)
    @rule()
    def wipe(self) -> None:
        self.leases = self.leases[-3:]
        self.do(self.client.flushall())
        self.clock.now += 0.1  # tokens grow with the clock, whatever happens to Redis
        self.wanted.clear()
        self.held.clear()
        self.told.clear()
        self.sent = {host: [] for host in self.sent}

    async def look(self) -> None:
        async with self.client.pipeline() as pipeline:
            for name in ("", ":delayed", ":lease", ":dead", ":hosts", ":entries"):
                pipeline.zrange(f"src:requests{name}", 0, -1, withscores=True)
            pipeline.lrange(START, 0, -1)
            pipeline.keys("src:requests:job:*")
            pipeline.keys("src:requests:host:*")
            pipeline.get("src:requests:listed")
            *sets, self.start_urls, jobs, lines, listed = await pipeline.execute()
            self.ready, self.delayed, self.lease, self.dead, self.due, entries = map(dict, sets)
            for job in jobs:
                pipeline.hget(job, "payload")
            for line in lines:
                pipeline.zrange(line, 0, -1, withscores=True)
            found = await pipeline.execute()
        names = [job.removeprefix(b"src:requests:job:") for job in jobs]
        self.payloads = dict(zip(names, found, strict=False))
        self.hosts_ready = {line.rpartition(b":")[2] for line in lines}
        self.listed = dict(entries)
        for line in found[len(jobs) :]:
            self.listed |= dict(line)
        assert int(listed or 0) == len(self.listed)

    @invariant()
    def all_is_well(self) -> None:
        self.do(self.look())
        self.check_nothing_is_lost_or_in_two_places()
        self.check_hosts_agree_with_what_is_ready()
        self.check_no_host_is_asked_too_fast()

    def check_nothing_is_lost_or_in_two_places(self) -> None:
        found = [*self.ready, *self.delayed, *self.lease, *self.dead]
        assert len(found) == len(set(found))
        assert {key.decode() for key in self.lease} == set(self.held)
        names = [self.payloads[key] if key.startswith(b"entry:") else key for key in found]
        assert sorted(name.decode() for name in names + self.start_urls) == sorted(self.wanted)

    def check_hosts_agree_with_what_is_ready(self) -> None:
        known = {*self.ready, *self.delayed, *self.lease, *self.dead}
        foreign = known - set(self.payloads)
        assert set(self.payloads) <= known
        assert all(key.startswith(b"e") for key in foreign)
        assert self.listed == {key: at for key, at in self.ready.items() if key not in foreign}
        assert self.hosts_ready <= set(self.due)

    def check_no_host_is_asked_too_fast(self) -> None:
        for times in (self.sent["a"], self.sent["b"]):
            for first, begin in enumerate(times):
                for count, end in enumerate(times[first:], start=1):
                    assert count <= 2 + (end - begin) * RATE + 1e-3


def test_whatever_crawlers_do_nothing_is_lost_or_doubled(settings: Settings) -> None:
    AnyCrawl.redis_settings = settings
    machine = AnyCrawl.TestCase
    machine.settings = hypothesis_settings(
        max_examples=60,
        stateful_step_count=50,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # shrinking would take minutes
    )
    machine("runTest").runTest()
