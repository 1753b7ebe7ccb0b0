"""What is compared has to be seen while it streams."""

import pytest


@pytest.fixture(autouse=True)
def brisk_demo() -> None:
    """The demonstration at its own pace, instead of the faster one that other tests get."""
