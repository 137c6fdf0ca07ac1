"""The errors a person can mend. Raised where the fault is known, caught once in `cli`."""

__all__ = ["Diverged", "UserError"]


class UserError(Exception):
    """What was wrong, where, and what to do about it, in one or two sentences."""

    exit_code = 2


class Diverged(UserError):
    """Training met a NaN or an infinity; the last good checkpoint is intact."""

    exit_code = 3
