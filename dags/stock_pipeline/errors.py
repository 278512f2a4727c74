"""The one kind of failure that no retry can mend."""


class NeedsPersonError(Exception):
    """Somebody has to do something first; the message says what is wrong, where, and what to do.

    Tasks fail at once on it, whatever retries they have.
    """
