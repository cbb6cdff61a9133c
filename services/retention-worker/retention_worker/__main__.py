"""Runs the retention worker by itself: `python -m retention_worker`."""

from glem.migrations import upgrade
from glem.service import run, serve
from glem_retention.runtime import Runtime
from retention_worker.app import create_app
from retention_worker.base import MIGRATIONS, metadata
from retention_worker.settings import WorkerSettings


async def main() -> None:
    """Migrate the database and serve."""
    settings = WorkerSettings()
    await upgrade(settings.database_url, MIGRATIONS, metadata)
    runtime = await Runtime.open("retention-worker", settings)
    await serve(runtime, create_app(runtime))


if __name__ == "__main__":
    run(main())
