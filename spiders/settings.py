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
DUPEFILTER_CLASS = "spiders.frontier.DupeFilter"
SCHEDULER_PERSIST = True

ITEM_PIPELINES = {
    "pipelines.raw.StoreRawResponse": 100,
    "pipelines.postings.StorePostings": 200,
    "pipelines.jobs.PushExtractionJobs": 300,
}
CONCURRENT_ITEMS = 1  # an answer is one item; more only makes more tasks

DOWNLOADER_MIDDLEWARES = {
    # A request is checked against the board it asks for, which says more than a list of domains.
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    # Before anything is asked of the host, its robots.txt included.
    "spiders.redirects.RefuseInwardRedirects": 50,
    "spiders.robots.ObeyRobots": 100,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": None,
    "scrapy.downloadermiddlewares.downloadtimeout.DownloadTimeoutMiddleware": None,
    "spiders.politeness.LimitTime": 350,
    "spiders.politeness.RotateUserAgent": 500,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    "spiders.compression.Decompress": 590,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": None,
    "spiders.redirects.FollowRedirects": 600,
    "scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": None,
    "spiders.proxies.RotateProxies": 750,
    "spiders.politeness.ReportToHost": 850,  # closest to the wire, to see each answer
}
# They look at the requests a spider yields, of which ours yields none, and at the status of an
# answer, which it names itself.
SPIDER_MIDDLEWARES = dict.fromkeys(
    (
        "scrapy.spidermiddlewares.start.StartSpiderMiddleware",
        "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware",
        "scrapy.spidermiddlewares.referer.RefererMiddleware",
        "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware",
        "scrapy.spidermiddlewares.depth.DepthMiddleware",
        "scrapy.spidermiddlewares.metacopy.MetaCopyDetectionMiddleware",
    )
)
WARN_ON_GENERATOR_RETURN_VALUE = False  # reads the source of `parse` anew at every answer
ROBOTSTXT_OBEY = False  # `ObeyRobots` asks once for all crawlers
# How often a host is asked is for the shared rate to say. These bound what one process has in the
# air, and leave it room for other hosts while one is slow.
CONCURRENT_REQUESTS = 32
CONCURRENT_REQUESTS_PER_DOMAIN = 16
DOWNLOAD_MAXSIZE = 100 * 1024 * 1024
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_FAIL_ON_DATALOSS = False  # a body cut short is kept and named, then asked for again

# AutoThrottle's rule lives in the shared rate, and retries in the frontier: here they would hold
# leased requests back, each process for itself. OPENFUNNEL_FRONTIER=stock turns both on.
AUTOTHROTTLE_ENABLED = False
AUTOTHROTTLE_START_DELAY = 0.25  # the default of 5 s holds every process back at its start
AUTOTHROTTLE_TARGET_CONCURRENCY = 8.0
AUTOTHROTTLE_MAX_DELAY = 30.0
RETRY_ENABLED = False
RETRY_TIMES = 4
REDIRECT_MAX_TIMES = 5  # as many as RFC 9309 (2.3.1.2) asks to follow
METAREFRESH_ENABLED = False
COOKIES_ENABLED = False
DOWNLOAD_HANDLERS = {
    **dict.fromkeys(("data", "file", "ftp", "s3")),  # the web alone
    **dict.fromkeys(("http", "https"), "spiders.guard.GuardedDownload"),
}
TWISTED_DNS_RESOLVER = "spiders.guard.GuardedResolver"
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False  # runs any code that is sent to it
LOG_LEVEL = "INFO"
LOG_VERSIONS: list[str] = []
LOGSTATS_INTERVAL = 0
