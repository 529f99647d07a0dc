# One recipe for the four services and the topics job; ARG SERVICE chooses.
#   docker build --build-arg SERVICE=intake .
#   docker build --build-arg SERVICE=topics --target topics .
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG UV_IMAGE=ghcr.io/astral-sh/uv:0.13.9

FROM ${UV_IMAGE} AS uv

FROM ${PYTHON_IMAGE} AS build
ARG SERVICE
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never
COPY --from=uv /uv /usr/local/bin/uv
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN test -n "${SERVICE}" \
    && uv sync --locked --no-default-groups --extra "${SERVICE}"

FROM ${PYTHON_IMAGE} AS runtime
ARG SERVICE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="thidua-${SERVICE}" \
      org.opencontainers.image.description="Runs a Vietnamese ward's emulation movement: ${SERVICE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV HOME=/tmp \
    PATH=/app/.venv/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SERVICE=${SERVICE}
RUN install -d -o 10001 -g 10001 /var/lib/thidua/documents /var/lib/thidua/evidence
WORKDIR /app
COPY --from=build /app/.venv ./.venv
COPY shared ./shared
USER 10001:10001

FROM runtime AS topics
COPY deploy/__init__.py deploy/topics.py deploy/topics.yaml ./deploy/
HEALTHCHECK NONE
ENTRYPOINT ["python", "-m", "deploy.topics"]

FROM runtime AS service
ARG SERVICE
COPY services/__init__.py ./services/
COPY services/${SERVICE} ./services/${SERVICE}
COPY deploy/compose/livez.py ./livez.py
ENV THIDUA_HTTP_HOST=0.0.0.0 \
    THIDUA_HTTP_PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-I", "/app/livez.py"]
# Exec form does not expand ${SERVICE}; the shell replaces itself, so Python is process 1.
ENTRYPOINT ["/bin/sh", "-c", "exec python -m \"services.${SERVICE}\" \"$@\"", "service"]
CMD ["serve"]
