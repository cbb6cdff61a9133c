"""Run loan-api as a process of its own: `python -m loan_api`, told by its environment."""

from glem.migrations import upgrade
from glem.service import run, serve
from glem_retention.runtime import Runtime
from loan_api.app import create_app
from loan_api.base import MIGRATIONS, metadata
from loan_api.settings import LoanSettings


async def main() -> None:
    """Bring the database up to date and serve until stopped."""
    settings = LoanSettings()
    await upgrade(settings.database_url, MIGRATIONS, metadata)
    runtime = await Runtime.open("loan-api", settings)
    await serve(runtime, create_app(runtime))


if __name__ == "__main__":
    run(main())
