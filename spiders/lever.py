"""`scrapy crawl lever`."""

from spiders.board import BoardSpider


class LeverSpider(BoardSpider):
    """The boards of Lever, from `lever:start_urls`."""

    name = "lever"
