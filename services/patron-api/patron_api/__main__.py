"""Runs patron-api by itself: `python -m patron_api`."""

from glem.migrations import upgrade
from glem.service import run, serve
from glem_retention.runtime import Runtime
from patron_api.app import create_app
from patron_api.base import MIGRATIONS, metadata
from patron_api.settings import PatronSettings


async def main() -> None:
    """Bring the database up to date and serve."""
    settings = PatronSettings()
    await upgrade(settings.database_url, MIGRATIONS, metadata)
    runtime = await Runtime.open("patron-api", settings)
    await serve(runtime, create_app(runtime))


if __name__ == "__main__":
    run(main())
