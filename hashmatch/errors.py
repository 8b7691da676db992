"""Every error hashmatch raises on purpose.

All derive from :class:`HashmatchError`. A message names the thing that is wrong and what to do
about it, and never repeats a hash value or a file's content: lists are sensitive, and messages
end in logs.
"""

from __future__ import annotations

from typing import Any

from hashmatch.types import Reason


class HashmatchError(Exception):
    """Base of all errors raised by hashmatch."""


class HashFormatError(HashmatchError, ValueError):
    """A hash value has the wrong length or is not hexadecimal."""


class UnknownHashTypeError(HashmatchError, ValueError):
    """No hash type of this name is registered, or it cannot be computed here.

    Attributes
    ----------
    name : str
        The name that was asked for.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class HasherError(HashmatchError):
    """A plug-in that computes a hash type cannot be used, or broke its promises."""


class PixelError(HashmatchError, ValueError):
    """An array handed over as pixels has a wrong dtype, shape or size."""


class KernelLevelError(HashmatchError, ValueError):
    """A SIMD level is unknown, or this processor lacks it."""


class MediaError(HashmatchError):
    """Media could not be read or decoded.

    Attributes
    ----------
    reason : Reason
        The machine-readable reason, which becomes the result's ``reason``.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ListFormatError(HashmatchError, ValueError):
    """A hash-list file cannot be read in the chosen format.

    Attributes
    ----------
    source : str
        The file, as the caller named it.
    line : int or None
        The 1-based line the problem was found on, where there is one.
    """

    def __init__(self, source: str, message: str, line: int | None = None) -> None:
        place = f"{source}:{line}" if line is not None else source
        super().__init__(f"{place}: {message}")
        self.source = source
        self.line = line


class CatalogError(HashmatchError):
    """The catalog cannot be opened, or a list or version in it does not exist."""


class IndexArgumentError(HashmatchError, ValueError):
    """Codes, queries or parameters do not fit an index."""


class IndexCapabilityError(HashmatchError):
    """An index kind cannot do what was asked, such as remove or radius search."""


class SnapshotError(HashmatchError):
    """A snapshot is missing, unreadable or incompatible."""


class SnapshotCorruptError(SnapshotError):
    """A snapshot's content does not agree with its checksums or its manifest.

    Attributes
    ----------
    file : str
        The name of the damaged file inside the snapshot.
    """

    def __init__(self, file: str, message: str) -> None:
        super().__init__(message)
        self.file = file


class MatcherConfigError(HashmatchError, ValueError):
    """A profile, threshold or option of matching is unknown or cannot be honoured."""


class SandboxError(HashmatchError):
    """Worker processes cannot be started, or not as they were asked for."""


class FeedbackError(HashmatchError):
    """Feedback or the flood guard's state cannot be read or written."""


class OutputError(HashmatchError):
    """A report or output folder cannot be written."""


class OverloadError(HashmatchError):
    """As much work as may wait is waiting already; nothing was done."""


class DeadlineError(HashmatchError, TimeoutError):
    """An answer did not come within its deadline.

    Attributes
    ----------
    seconds : float
        The deadline.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within the deadline of {seconds:g} s")
        self.seconds = seconds


class UploadRefusedError(HashmatchError):
    """A policy calls for raising instead of returning a decision.

    Attributes
    ----------
    decision : hashmatch.Decision
        What was decided, and why.
    """

    def __init__(self, decision: Any) -> None:
        super().__init__(f"the upload was refused: {decision.why}")
        self.decision = decision


class ServiceConfigError(HashmatchError, ValueError):
    """The service cannot be run as asked: a key, a certificate or an option is missing or wrong."""
