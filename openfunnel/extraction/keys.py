"""Keys to model servers: sent in a header, and shown nowhere else."""

from pydantic import SecretStr

from openfunnel.errors import InvalidSetting


class Key:
    """A key as it is sent: without the line break that a file ends with; empty where none is set.

    Raises:
        InvalidSetting: no header takes it; `variable` names where it comes from.
    """

    def __init__(self, secret: SecretStr | None, variable: str) -> None:
        key = secret.get_secret_value().strip() if secret else ""
        if not (key.isascii() and key.isprintable()):
            problem = "it holds characters that no HTTP header takes"
            raise InvalidSetting(name=variable, problem=problem)
        self._secret = SecretStr(key)

    @property
    def sent(self) -> str:
        """The key itself."""
        return self._secret.get_secret_value()

    def hidden_in(self, message: str) -> str:
        """Return what a server says without the key: some quote the one they refuse."""
        return message.replace(self.sent, "***") if self.sent else message
