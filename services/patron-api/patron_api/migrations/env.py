from alembic import context

from glem.migrations import run_environment

run_environment(context, context.config)
