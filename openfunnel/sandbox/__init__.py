"""A local stand-in for the outside world: job boards and a model server, with faults on demand.

Nothing outside this package knows of it: crawlers and extractors reach it through the addresses
they are set to, over HTTP.
"""
