"""Scrapy: spiders, frontier, politeness. Item pipelines are in `pipelines`."""
