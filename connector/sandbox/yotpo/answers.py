"""Yotpo's error answers. They have several shapes, because several products answer.

Recorded production answers show the shapes of the Loyalty API and the text "no results found". The simulator chooses
the text of all other answers.
"""

from connector.sandbox.simulation.answers import Answer


def html(status: int, title: str) -> Answer:
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Answer(status, page, content_type="text/html; charset=utf-8")


def plain(status: int, text: str) -> Answer:
    return Answer(status, text, content_type="text/plain; charset=utf-8")


def invalid(messages: dict[str, str], status: int = 400) -> Answer:
    """Return an error as Core v3 and the Loyalty API show it: a list of messages, each under the name of a field."""
    return Answer(status, {"errors": [{"message": {name: text}} for name, text in messages.items()]})


def error(text: str, status: int = 400) -> Answer:
    return Answer(status, {"error": text})


# The gateway in front of Core v3 seems to be Kong, so these texts are the ones that Kong sends.
UNAUTHORIZED = Answer(401, {"message": "Unauthorized"})
RATE_LIMITED = Answer(429, {"message": "API rate limit exceeded"})

WRONG_SECRET = error("invalid_client", 401)
WRONG_KEYS = plain(401, "HTTP Token: Access denied.")
NO_TOKEN = html(401, "401 Authorization Required")

NO_RESULTS = error("no results found")
NOT_JSON = plain(400, "Bad Request: the body is not JSON")
NOT_ENROLLED = {404: invalid({"customer": "Could not find customer"}, 404), 400: error("Customer does not exist")}
NO_LOYALTY = invalid({"merchant": "Could not find merchant"}, 404)

NO_CONTENT = 204

FAILURES = {
    429: RATE_LIMITED,
    500: error("Internal Server Error", 500),
    502: html(502, "502 Bad Gateway"),
    503: plain(503, "Service Unavailable"),
    504: html(504, "504 Gateway Time-out"),
}
