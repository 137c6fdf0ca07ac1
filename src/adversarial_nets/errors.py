"""The errors a person can mend. Raised where the fault is known, caught once in `cli`."""

__all__ = ["Diverged", "Missing", "Stopped", "UserError"]


class UserError(Exception):
    """What was wrong, where, and what to do about it, in one or two sentences."""

    exit_code = 2


class Missing(UserError):
    """The data that were asked for are not here, though others may take their place."""


class Diverged(UserError):
    """Training met a NaN or an infinity; the last good checkpoint is intact."""

    exit_code = 3


class Stopped(UserError):
    """A signal asked the training to stop, and the run was saved first."""

    def __init__(self, number: int, round: int, saved: bool = True) -> None:
        kept = "everything is saved" if saved else "nothing is kept, since no folder was given"
        super().__init__(f"Stopped at round {round}; {kept}.")
        self.exit_code = 128 + number
