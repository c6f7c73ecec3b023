"""Numbers of things in words, for messages and pages."""


def count(number: int, what: str) -> str:
    """A number of things in words: 1 job, 2,000 jobs."""
    return f"{number:,} {what}{'s' * (number != 1)}"
