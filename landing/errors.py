"""Define the errors of landing and turn those of the disk into sentences.

LandingError
├── SourceError     a file or folder of the landing cannot be used
├── ContractError   a table breaks the column contract
└── AsOfError       nothing is known before the chosen day
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb


class LandingError(Exception):
    """Base of this package's errors; the command prints the message and exits with 1."""


class SourceError(LandingError):
    """A file is missing, empty, unreadable or there twice."""


class ContractError(LandingError):
    """A required column is missing or a value has the wrong type."""


class AsOfError(LandingError):
    """The chosen day lies before the first transaction, or no day can be chosen."""


@contextmanager
def sentences(data: Path) -> Iterator[None]:
    """Turn an error of the disk into a LandingError with the path, the cause and the next step."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise LandingError(
                f"{error.filename or data} is no longer there: it was removed during the run. "
                "Run again when the delivery is complete; nothing was changed."
            ) from error
        what = f"{error.filename or data} cannot be written: {error.strerror or error}."
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise LandingError(f"{what} {_FREE_SPACE}") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise LandingError(f"{what} REACH_DATA must name a folder that Reach may write to.") from error
        raise LandingError(f"{what} Nothing was changed.") from error
    except duckdb.Error as error:
        raise not_written(data, error) from error


def not_written(path: Path, error: duckdb.Error) -> LandingError:
    """Return the error for a path that DuckDB could not write, or whose data did not fit in memory and on disk."""
    if os.strerror(errno.ENOSPC) in str(error):
        return LandingError(f"{path} cannot be written: the disk is full. {_FREE_SPACE}")
    cause = str(error).strip().partition("\n")[0]
    return LandingError(f"{path} cannot be written: {cause}")


_FREE_SPACE = "Free space on the disk of REACH_DATA, then run again. Nothing that is in use was changed."
