"""Every exception of the connector, in one tree; each says what happens next.

::

    ConnectorError
    ├── WebhookRejected        Yotpo is answered 400 or 413; a rejected-webhook record is kept
    ├── JournalUnavailable     retry: Yotpo is answered 503 and sends again; a task is run again by the sweep
    ├── MappingError           operator: a mapping file is wrong; the set is not loaded
    └── OperatorError          operator: a command or setting is wrong; the message names the remedy
        ├── SettingsError
        ├── SecretsError
        └── StoreNotFound
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Something went wrong in the connector."""

    def __init__(self, message: str | None = None) -> None:
        """Take the message, or the first line of the class's docstring where there is none."""
        super().__init__(message or (self.__doc__ or "").partition("\n")[0])


class WebhookRejected(ConnectorError):
    """The webhook cannot be journaled as an event. It is not kept; the sender is told why."""

    def __init__(self, code: str, message: str) -> None:
        """`code` is a stable word for counting, `message` the sentence that the sender reads."""
        super().__init__(message)
        self.code = code
        self.message = message


class JournalUnavailable(ConnectorError):
    """PostgreSQL did not answer in time. Retry: nothing was lost, the sender or the sweep tries again."""


class MappingError(ConnectorError):
    """A mapping file is wrong. Operator: correct the place that the message names."""


class OperatorError(ConnectorError):
    """A command or a setting is wrong. Operator: the message names the remedy."""


class SettingsError(OperatorError):
    """An environment variable is missing or wrong. Operator: set it as the message says, then start again."""


class SecretsError(OperatorError):
    """A stored secret cannot be decrypted. Operator: put the old key back into SECRET_KEY, behind the new one."""


class StoreNotFound(OperatorError):
    """There is no store of that name. Operator: see `connector stores list`."""
