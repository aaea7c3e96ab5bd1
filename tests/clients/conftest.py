from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.serving import served


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(directory=tmp_path_factory.mktemp("server")) as address:
        yield address
