"""Every exception of the connector, in one tree; each says what happens next.

::

    ConnectorError
    ├── WebhookRejected        Yotpo is answered 400 or 413; a rejected-webhook record is kept
    ├── JournalUnavailable     retry: Yotpo is answered 503 and sends again; a task is run again by the sweep
    ├── MappingError           operator: a mapping file is wrong; the set is not loaded
    ├── YotpoError             a request to Yotpo's APIs did not do what it was to do
    │   ├── YotpoUnavailable   retry: later, or when Yotpo says
    │   ├── YotpoUnauthorized  operator: three in a row, and the account is taken for revoked; connect it again
    │   └── YotpoRefused       operator: Yotpo will not do it; the message holds Yotpo's own sentence
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


class YotpoError(ConnectorError):
    """Yotpo did not do what it was asked. No message of this branch holds a token, a secret, or a person's data."""


class YotpoUnavailable(YotpoError):
    """Yotpo gave no answer that can be used. Retry: later, or when Yotpo says."""

    def __init__(self, message: str | None = None, *, retry_after: float | None = None, limited: bool = False) -> None:
        """`retry_after` is in seconds, None where Yotpo names none; `limited` is True where its rate is used up."""
        super().__init__(message)
        self.retry_after = retry_after
        self.limited = limited


class YotpoUnauthorized(YotpoError):
    """Yotpo does not take the credentials. Operator: after three in a row, connect the account again."""


class YotpoRefused(YotpoError):
    """Yotpo refuses the request for good. Operator: the message holds Yotpo's own sentence."""

    def __init__(self, message: str | None = None, *, status: int | None = None) -> None:
        """`status` is Yotpo's; None where it was not even asked."""
        super().__init__(message)
        self.status = status


class CursorExpired(YotpoRefused):
    """Yotpo no longer knows the page. Retry: from the first page."""


class OperatorError(ConnectorError):
    """A command or a setting is wrong. Operator: the message names the remedy."""


class SettingsError(OperatorError):
    """An environment variable is missing or wrong. Operator: set it as the message says, then start again."""


class SecretsError(OperatorError):
    """A stored secret cannot be decrypted. Operator: put the old key back into SECRET_KEY, behind the new one."""


class StoreNotFound(OperatorError):
    """There is no store of that name. Operator: see `connector stores list`."""
