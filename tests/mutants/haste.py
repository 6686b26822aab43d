"""A plugin of pytest: a mutant is noticed by any example, so none looks for the shortest."""

import pytest
from hypothesis import Phase, settings

__all__ = ["pytest_configure"]


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Once tests/conftest.py has chosen how many examples there are."""
    settings.register_profile("hasty", settings(), phases=[Phase.explicit, Phase.generate])
    settings.load_profile("hasty")
