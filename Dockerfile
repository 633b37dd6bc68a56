# One image for every service of docker-compose.yml that is ours. No secret is built in: URLs and
# passwords come from the environment of the container.

FROM python:3.11-slim AS build
WORKDIR /app
RUN python -m venv /opt/venv
# Dependencies first, so that a change in the code does not install them again. The package is installed
# editable, because dg finds the Components, and the engine its SQL, where they lie.
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY sales_platform/__init__.py sales_platform/__init__.py
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
    --constraint constraints.txt --editable .
COPY . .

FROM python:3.11-slim
# A named volume takes the owner of the folder it covers, so each of them must exist here.
RUN useradd --system --uid 10001 --create-home --home-dir /home/sales_platform sales_platform \
    && install --directory --owner sales_platform --mode 0750 \
    /opt/dagster /opt/dagster/storage /var/lib/sales_platform
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
COPY --chown=sales_platform sales_platform/local/dagster.yaml /opt/dagster/dagster.yaml
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DAGSTER_HOME=/opt/dagster \
    SALES_PLATFORM_HOME=/var/lib/sales_platform \
    SALES_PLATFORM_DATA=/data
USER sales_platform
CMD ["sales-platform", "--help"]
