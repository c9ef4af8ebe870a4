"""What `--verbose` logs, and what it keeps to itself."""

import logging

import pytest

from openfunnel.cli.app import options


@pytest.mark.parametrize("client", ["httpx", "httpx2"])
def test_http_clients_do_not_log_urls_which_hold_logins(
    monkeypatch: pytest.MonkeyPatch, client: str
) -> None:
    monkeypatch.setattr(logging.getLogger(client), "level", logging.NOTSET)

    options(verbose=True)

    assert not logging.getLogger(client).isEnabledFor(logging.INFO)
