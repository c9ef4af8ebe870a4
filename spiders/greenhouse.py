"""`scrapy crawl greenhouse`."""

from spiders.board import BoardSpider


class GreenhouseSpider(BoardSpider):
    """The boards of Greenhouse, from `greenhouse:start_urls`."""

    name = "greenhouse"
