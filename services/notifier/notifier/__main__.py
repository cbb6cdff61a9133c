"""Run notifier as a process of its own: `python -m notifier`, told by its environment."""

from glem.migrations import upgrade
from glem.service import run, serve
from glem_retention.runtime import Runtime
from notifier.app import create_app
from notifier.base import MIGRATIONS, metadata
from notifier.settings import NotifierSettings


async def main() -> None:
    """Bring the database up to date and serve until stopped."""
    settings = NotifierSettings()
    await upgrade(settings.database_url, MIGRATIONS, metadata)
    runtime = await Runtime.open("notifier", settings)
    await serve(runtime, create_app(runtime))


if __name__ == "__main__":
    run(main())
