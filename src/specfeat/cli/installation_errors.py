"""Says in one sentence that an unexpected error comes from a broken installation."""

from specfeat.inspection.installation import find_installation_problem
from specfeat.text import shorten_text

# Libraries that were made for other versions of each other raise these; so can a bug of specfeat.
_KINDS = (ImportError, AttributeError, TypeError, ValueError, RuntimeError, SystemError)
_MAX_CHARACTERS = 200


def describe_broken_installation(error: Exception) -> str | None:
    """Return a sentence about the installation, if it is the probable cause of an error; otherwise None.

    The cause is probable if the version of an installed package does not fit, or if a package of others
    cannot be imported. The packages are examined only after an error, because that takes time.

    Args:
        error: an error that specfeat does not expect.
    """
    if not isinstance(error, _KINDS):
        return None
    text = f"{type(error).__name__}: {shorten_text(' '.join(str(error).split()), _MAX_CHARACTERS)}"
    problem = find_installation_problem()
    if problem is not None:
        return f"the installation is broken: {problem.name} {problem.text}; {problem.cure} (after {text})"
    if isinstance(error, ImportError) and not (error.name or "specfeat").startswith("specfeat"):
        return f"a package cannot be imported ({text}); specfeat doctor says what to do"
    return None
