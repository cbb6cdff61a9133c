#!/bin/sh
# PostgreSQL takes a private key only from a file of its own account, so it gets a copy of it.
set -eu
install -o postgres -g postgres -m 0600 /run/secrets/postgres_key /run/postgresql/server.key
exec docker-entrypoint.sh "$@"
