"""A plugin of pytest: a mutant is noticed by any example, so none looks for the shortest."""

import pytest
from hypothesis import Phase, settings

__all__ = ["pytest_configure"]


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Once tests/conftest.py has chosen how many examples there are."""
    phases = [Phase.explicit, Phase.generate]
    settings.register_profile("hasty", settings(), phases=phases, report_multiple_bugs=False)
    settings.load_profile("hasty")
