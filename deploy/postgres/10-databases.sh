#!/bin/sh
# The first start of the database server: a database and its role for each service, and no line without TLS (R67).
set -eu
for service in patron_api:glem_patrons loan_api:glem_loans notifier:glem_messages retention_worker:glem_retention; do
    role=${service%:*}
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set role="$role" --set database="${service#*:}" \
        --set variable="$(echo "${role}_db_password" | tr '[:lower:]' '[:upper:]')" <<'SQL'
\getenv password :variable
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"role";
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
SQL
done
sed -i 's/^host all all all /hostssl all all all /' "$PGDATA/pg_hba.conf"
