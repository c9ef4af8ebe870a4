"""robots.txt (RFC 9309): asked for once a day and host by one crawler, obeyed by all.

A host that has none (4xx) allows everything. One that does not answer (5xx, 429, no connection) is
held to what it said last, for up to 30 days; if it never said anything, nothing is asked of it for
now, and the requests come back later: a passing trouble, and no board is written off for it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Self, cast
from urllib.parse import urlsplit

from protego import Protego
from redis.exceptions import RedisError
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from openfunnel.queue.robots import LONGEST_TEXT, RobotsText
from openfunnel.records import Failure
from spiders.hands import LEASE
from spiders.manners import manners_of
from spiders.outcome import RobotsRefused, RobotsUnreachable, name_exception
from spiders.politeness import ROBOTS, Sleep, feed_of, host_of

logger = logging.getLogger(__name__)

ATTEMPTS: Final = 3
FETCH_SECONDS: Final = 15.0
LONGEST_WAIT_SECONDS: Final = 60.0
"""A host that is not to be asked for longer is not waited for."""
CLAIM_SECONDS: Final = 2 * FETCH_SECONDS
POLL_SECONDS: Final = 0.2
LONGEST_BODY: Final = 10 * LONGEST_TEXT
LONGEST_DELAY_SECONDS: Final = 600.0
"""A Crawl-delay beyond this is cut: a board a day does not need more."""
MOST_REMEMBERED: Final = 1000
"""Hosts whose rules one process keeps parsed."""
TURN_SECONDS: Final = 0.1
"""A request that waits longer has lost its turn; so have all that waited with it, but the first."""
AWAY_SECONDS: Final = 5.0
"""Pause before a Redis that is away is asked again what it knows."""
TRUST_SECONDS: Final = 300.0
"""Then what all share is looked at again: Redis may have forgotten it, and the Crawl-delay too."""


class RobotsRules:
    """One robots.txt, as all our names together read it: what forbids one of them forbids all."""

    def __init__(self, text: bytes, user_agents: Sequence[str]) -> None:
        self._rules = Protego.parse(text.decode("utf-8-sig", "replace"))
        self._user_agents = user_agents

    def allow(self, url: str) -> bool:
        """Whether `url` may be asked for."""
        return all(self._rules.can_fetch(url, name) for name in self._user_agents)

    @property
    def delay_seconds(self) -> float:
        """Its Crawl-delay, within reason; 0 where it asks for none."""
        delays = (self._rules.crawl_delay(name) or 0.0 for name in self._user_agents)
        return min(max(delays), LONGEST_DELAY_SECONDS)


class ObeyRobots:
    """Lets no request pass that the host's robots.txt forbids."""

    def __init__(
        self,
        crawler: Crawler,
        clock: Callable[[], float] = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`clock` tells the seconds since 1970."""
        self._crawler = crawler
        self._clock = clock
        self._sleep = sleep
        self._user_agents: list[str] = crawler.settings.getlist("USER_AGENTS")
        self._known: dict[str, tuple[RobotsRules | None, float]] = {}
        self._learning: dict[str, asyncio.Task[tuple[RobotsRules | None, bool]]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Stay out of the way of a source that is not to be asked (`spiders.manners`)."""
        if not manners_of(cast(Any, crawler.spider).name).obey_robots:
            raise NotConfigured("the operator decided otherwise")
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Refuse what is forbidden, and what nobody knows to be allowed."""
        if request.meta.get(ROBOTS):
            return
        origin = _origin(request.url)
        rules, due = self._known.get(origin, (None, 0.0))
        lost_turn = False
        if due <= (begun := self._clock()):
            is_first = origin not in self._learning
            rules, asked = await self._learn(origin, request.meta.get("redirect_urls", []))
            is_late = self._clock() - begun > TURN_SECONDS or bool(rules and rules.delay_seconds)
            lost_turn = asked and (is_late or not is_first)
        if rules is None:
            raise RobotsUnreachable(f"{origin}/robots.txt does not answer")
        if not rules.allow(request.url):
            raise RobotsRefused(f"{origin}/robots.txt forbids it")
        if lost_turn and request.meta.get(LEASE):
            await self._stand_in_line(host_of(origin))

    async def _stand_in_line(self, host: str) -> None:
        """Wait for a new turn: those who lost theirs together must not go together."""
        wait_seconds = await feed_of(self._crawler).hosts.reserve(host)
        if wait_seconds > 0:
            await self._sleep(wait_seconds)

    async def _learn(self, origin: str, passed: list[str]) -> tuple[RobotsRules | None, bool]:
        """Find out once, for all requests of this process that want to know.

        `passed` are the addresses that redirected the first of them here: the robots.txt may be no
        further in than what they lead to. Returns the rules, and whether the host was asked.
        """
        task = self._learning.get(origin)
        if task is None:
            task = asyncio.create_task(self._find_out(origin, passed))
            task.add_done_callback(lambda _: self._learning.pop(origin))
            self._learning[origin] = task
        return await asyncio.shield(task)

    async def _find_out(self, origin: str, passed: list[str]) -> tuple[RobotsRules | None, bool]:
        files = feed_of(self._crawler).robots
        before, _ = self._known.get(origin, (None, 0.0))
        try:
            said = await files.read(origin)
        except RedisError as error:
            if before is None:
                raise
            logger.info("%s: by what its robots.txt said before (%s)", origin, error)
            self._known[origin] = (before, self._clock() + AWAY_SECONDS)
            return before, False
        asked = said is None
        while said is None:
            if await files.claim(origin, CLAIM_SECONDS):
                # Whoever had the claim may have written since; ours then ends by itself.
                said = await files.read(origin) or await self._ask(origin, passed)
            else:
                await self._sleep(POLL_SECONDS)
                said = await files.read(origin)
        rules = None
        if said.text is not None:
            rules = await asyncio.to_thread(RobotsRules, said.text, self._user_agents)
            if rules.delay_seconds or (before and before.delay_seconds):
                hosts = feed_of(self._crawler).hosts
                await hosts.slow(host_of(origin), rules.delay_seconds)
        if len(self._known) >= MOST_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[origin] = (rules, min(said.due, self._clock() + TRUST_SECONDS))
        return rules, asked

    async def _ask(self, origin: str, passed: list[str]) -> RobotsText:
        """Ask the host when its turn comes, and once more or twice before giving up."""
        feed = feed_of(self._crawler)
        for _ in range(ATTEMPTS):
            wait_seconds = await feed.hosts.reserve(host_of(origin))
            if wait_seconds > LONGEST_WAIT_SECONDS:
                break
            if wait_seconds > 0:
                await feed.robots.extend(origin, wait_seconds + CLAIM_SECONDS)
                await self._sleep(wait_seconds)
            text = await self._download(f"{origin}/robots.txt", passed)
            if text is not None:
                return await feed.robots.write(origin, text)
        return await feed.robots.miss(origin)

    async def _download(self, url: str, passed: list[str]) -> bytes | None:
        """What a robots.txt says, as RFC 9309 (2.3.1) reads an answer; None: nobody knows."""
        meta = {
            ROBOTS: True,
            "download_timeout": FETCH_SECONDS,
            "download_maxsize": LONGEST_BODY,
            "redirect_urls": passed,
        }
        request = Request(url, callback=NO_CALLBACK, meta=meta, dont_filter=True)
        assert self._crawler.engine is not None
        try:
            response = await self._crawler.engine.download_async(request)
        except Exception as error:
            named = name_exception(error)
            if named is None:
                raise
            logger.info("%s: %s (%s)", url, *named)
            # Redirects without end, or to where we do not go, are as good as no file.
            return b"" if named[0] is Failure.REDIRECT else None
        return _text(response)


def _text(response: Response) -> bytes | None:
    if response.status in (407, 429) or response.status >= 500:
        return None
    if response.status >= 300:
        return b""
    # What is missing may forbid something. ("partial", no length announced, is usual here.)
    return None if "dataloss" in response.flags else response.body


def _origin(url: str) -> str:
    return f"{urlsplit(url).scheme}://{host_of(url)}"
