"""Scrapy settings of all spiders.

`BoardSpider.update_settings` adds what depends on the environment (REDIS_URL, the shared rate).
"""

BOT_NAME = "openfunnel"
SPIDER_MODULES = ["spiders"]
NEWSPIDER_MODULE = "spiders"

# The frontier: scrapy-redis, shared by all crawler processes of a source. Its default serializer is
# pickle, which would run whatever somebody writes into Redis.
SCHEDULER = "spiders.frontier.Scheduler"
SCHEDULER_QUEUE_CLASS = "spiders.frontier.RequestQueue"
SCHEDULER_SERIALIZER = "spiders.serializer"
DUPEFILTER_CLASS = "scrapy_redis.dupefilter.RFPDupeFilter"
SCHEDULER_PERSIST = True

ITEM_PIPELINES = {
    "pipelines.raw.StoreRawResponse": 100,
    "pipelines.postings.StorePostings": 200,
    "pipelines.jobs.PushExtractionJobs": 300,
}
CONCURRENT_ITEMS = 4  # an answer is one item; more only makes more tasks

DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": None,
    "spiders.politeness.RotateUserAgent": 500,
    "spiders.politeness.KeepHostRate": 560,  # closer to the wire than retries, to see each answer
}
ROBOTSTXT_OBEY = True
CONCURRENT_REQUESTS = 16
CONCURRENT_REQUESTS_PER_DOMAIN = 8
DOWNLOAD_TIMEOUT = 60  # a Lever board of 40 MB takes ten seconds and more
DOWNLOAD_MAXSIZE = 100 * 1024 * 1024
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_FAIL_ON_DATALOSS = False  # a body cut short is kept and named, then asked for again

AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 0.25  # the default of 5 s holds every process back at its start
AUTOTHROTTLE_TARGET_CONCURRENCY = 8.0
AUTOTHROTTLE_MAX_DELAY = 30.0

RETRY_ENABLED = True
RETRY_TIMES = 4
HTTPERROR_ALLOW_ALL = True  # the spider gives every status its name
COOKIES_ENABLED = False
REFERRER_POLICY = "no-referrer"
DOWNLOAD_HANDLERS = dict.fromkeys(("data", "file", "ftp", "s3"))  # the web alone
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False  # runs any code that is sent to it
LOG_LEVEL = "INFO"
LOG_VERSIONS: list[str] = []
LOGSTATS_INTERVAL = 0
