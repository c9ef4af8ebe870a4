"""`scrapy crawl ashby`."""

from spiders.board import BoardSpider


class AshbySpider(BoardSpider):
    """The boards of Ashby, from `ashby:start_urls`."""

    name = "ashby"
