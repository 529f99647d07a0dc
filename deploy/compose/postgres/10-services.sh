#!/bin/sh
# Runs once, when the volume is empty: one role and one database per service, closed to the others.
set -eu

admin() { psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres "$@"; }

for service in intake scoring awards notify; do
    admin --set name="$service" --set password="$(cat "/run/secrets/$service-password")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done

admin <<'SQL'
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
SQL
