"""Insider's answers, word for word as its API reference prints them, including spelling mistakes."""

from connector.sandbox.simulation.answers import Answer

MAX_BYTES = 5_000_000
MAX_USERS = 1_000

NO_IDENTIFIERS = "either insider_id or idenifiers must be specified"
UNKNOWN_IDENTIFIER = "key must be one of phone_number(pn), email(em) or uuid"
NO_USER = "no such user for these identifiers: no data"
SAME_IDENTIFIER = "identifier values are the same: bad request"
ONE_IDENTIFIER_EACH = "there must be exactly 1 entry for both new and old identifiers: bad request"
IDENTIFIER_TAKEN = "new identifier already has a user assigned to it: bad request"
SOLE_IDENTIFIER = "you cannot delete the sole identifier specified for a user: bad request"


def error(message: str, status: int = 400) -> Answer:
    return Answer(status, {"error": message})


def refusal(status: int, message: str) -> Answer:
    return Answer(status, {"success": False, "message": message})


def counted(successful: int, failed: int, errors: dict[str, list[str]]) -> Answer:
    """Return the answer to a batch. If no user succeeded, or none failed, that part is an empty object, not a zero."""
    return Answer(
        200,
        {
            "data": {
                "successful": {"count": successful} if successful else {},
                "fail": {"count": failed, "errors": errors} if failed else {},
            }
        },
    )


USERS_MISSING = error("users must be defined: bad request")
TOO_BIG = error(f"request body is bigger than maximum allowed size {MAX_BYTES:,} bytes")
# The documentation has no answer for more than 1,000 users; this answer is the simulator's own choice.
TOO_MANY_USERS = error(f"users must be at most {MAX_USERS}: bad request")
WRONG_CONTENT_TYPE = error("content type must be application/json")
NO_VALID_IDENTIFIER = error("no valid identifier: bad request")
NO_SUCH_USER = error(NO_USER, 404)
NOT_JSON = refusal(400, "Request data is not in valid JSON format.")
RATE_LIMITED = error("rejected: too many requests", 429)
RATE_LIMITED_GENERIC = Answer(429, {"message": "Too Many Requests", "status": 429})

#: The documentation has three statuses for a wrong partner or token; the page about upsert says 403.
ACCESS_REFUSED = {
    400: refusal(400, "Partner is invalid."),
    401: refusal(401, "Partner token authentication failed."),
    403: refusal(403, "Access Denied. You do not have sufficient access to perform this action."),
}

#: The documented answers by status; the usual answer is the first. For 503, 504 and 520 the documentation promises no
#: JSON.
DOCUMENTED: dict[int, tuple[Answer, ...]] = {
    400: (NO_VALID_IDENTIFIER, USERS_MISSING, ACCESS_REFUSED[400], NOT_JSON),
    401: (ACCESS_REFUSED[401],),
    403: (ACCESS_REFUSED[403],),
    404: (NO_SUCH_USER,),
    429: (RATE_LIMITED, RATE_LIMITED_GENERIC),
    500: (refusal(500, "The request processing has failed because of an unknown error."),),
    503: (Answer(503, "Service Unavailable", content_type="text/plain"),),
    504: (Answer(504, "Gateway Timeout", content_type="text/plain"),),
    520: (Answer(520, "Web server is returning an unknown error", content_type="text/plain"),),
}
