"""Every exception of the connector, in one tree.

Each docstring says who acts next: the sender, a retry, or the operator.

::

    ConnectorError
    ├── WebhookRejected        sender: the answer is 400 or 413; the rejection is kept, without the body
    ├── JournalUnavailable     retry: the answer is 503 and Yotpo sends again; the sweep runs a task again
    ├── MappingError           operator: a mapping file is wrong; the set is not loaded
    ├── YotpoError             a request to one of Yotpo's APIs failed
    │   ├── YotpoUnavailable   retry: later, or when Yotpo says
    │   ├── YotpoUnauthorized  operator: after three in a row the account counts as revoked; connect it again
    │   └── YotpoRefused       operator: Yotpo refuses for good; the message holds Yotpo's own sentence
    │       └── CursorExpired  retry: from the first page
    └── OperatorError          operator: a command or setting is wrong; the message names the remedy
        ├── SettingsError
        ├── SecretsError
        └── StoreNotFound
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Something went wrong in the connector."""

    def __init__(self, message: str | None = None) -> None:
        """The default message is the first line of the class's docstring."""
        super().__init__(message or (self.__doc__ or "").partition("\n")[0])


class WebhookRejected(ConnectorError):
    """The webhook cannot be journaled as an event. Its body is not kept; the HTTP response says why."""

    def __init__(self, code: str, message: str) -> None:
        """`code` is a fixed word for counting rejections. `message` is the sentence in the HTTP response."""
        super().__init__(message)
        self.code = code
        self.message = message


class JournalUnavailable(ConnectorError):
    """PostgreSQL did not answer in time. Retry: nothing was lost, the sender or the sweep tries again."""


class MappingError(ConnectorError):
    """A mapping file is wrong. Operator: correct the place that the message names."""


class YotpoError(ConnectorError):
    """A request to Yotpo failed.

    The messages of this class and its subclasses contain no token, no secret and no personal data.
    """


class YotpoUnavailable(YotpoError):
    """Yotpo gave no usable answer. Retry: later, or at the time that Yotpo names."""

    def __init__(self, message: str | None = None, *, retry_after: float | None = None, limited: bool = False) -> None:
        """`retry_after` is in seconds, or None if Yotpo names no time.

        `limited` is True if the rate limit for requests to Yotpo is reached.
        """
        super().__init__(message)
        self.retry_after = retry_after
        self.limited = limited


class YotpoUnauthorized(YotpoError):
    """Yotpo refuses the credentials. Operator: after three such failures in a row, connect the account again."""


class YotpoRefused(YotpoError):
    """Yotpo refuses the request for good. Operator: the message contains the sentence from Yotpo's response."""

    def __init__(self, message: str | None = None, *, status: int | None = None) -> None:
        """`status` is the HTTP status from Yotpo, or None if no request was sent."""
        super().__init__(message)
        self.status = status


class CursorExpired(YotpoRefused):
    """Yotpo no longer knows the cursor. Retry: read again from the first page."""


class OperatorError(ConnectorError):
    """A command or a setting is wrong. Operator: the message names the remedy."""


class SettingsError(OperatorError):
    """An environment variable is missing or wrong. Operator: set it as the message says, then start again."""


class SecretsError(OperatorError):
    """A stored secret cannot be decrypted. Operator: put the old key back into SECRET_KEY, behind the new one."""


class StoreNotFound(OperatorError):
    """There is no store with this name. Operator: see `connector stores list`."""
