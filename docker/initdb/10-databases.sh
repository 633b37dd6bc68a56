#!/usr/bin/env bash
# Runs once, on the first start of the PostgreSQL container: the owner of the platform's databases, and these.
# The owner is no superuser; it makes the platform's roles (migrations) and sees open transactions (feeds).
set -euo pipefail

: "${SALES_PLATFORM_PASSWORD:?the password of the owner role is missing}"

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv owner_password SALES_PLATFORM_PASSWORD
create role sales_platform login createrole createdb password :'owner_password';
grant pg_monitor to sales_platform;
create database warehouse owner sales_platform;
create database dagster owner sales_platform;
create database invoicing owner sales_platform;
create database accounts owner sales_platform;
SQL
