# The image of gateway, worker and commands; with the target `with-translator`, of the translator too.
#
#   docker build -t registry.example.com/housestyle:0.1.0 .
#   docker build -t registry.example.com/housestyle:0.1.0-translator --target with-translator .
#
# Everything that is installed has a hash: the dependencies in uv.lock, the tools in image/tools.txt. Without a package index,
# lay the wheels into a folder beside this file and name it (docs/helm.md): --build-arg WHEELS=wheels

# Debian 12 with CPython 3.11, as the tests have it; its index of platforms, as of 2026-09. Yours, by digest: --build-arg BASE=…
ARG BASE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${BASE} AS build
ARG WHEELS=
ARG EXTRAS="gcs postgres s3 tokens zstd"
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
WORKDIR /src
COPY image/tools.txt image/
RUN --mount=type=bind,target=/context \
    python -m venv /opt/tools && \
    /opt/tools/bin/python -m pip install ${WHEELS:+--no-index --find-links "/context/$WHEELS"} \
        --only-binary :all: --require-hashes -r image/tools.txt
COPY pyproject.toml uv.lock ./
RUN --mount=type=bind,target=/context \
    /opt/tools/bin/uv export --frozen --no-dev --no-emit-project ${EXTRAS:+$(printf -- '--extra %s ' $EXTRAS)} -o locked.txt && \
    /opt/tools/bin/uv venv --python /usr/local/bin/python /opt/housestyle && \
    /opt/tools/bin/uv pip install --python /opt/housestyle/bin/python ${WHEELS:+--no-index --find-links "/context/$WHEELS"} \
        --only-binary :all: --require-hashes -r locked.txt
COPY README.md LICENSE ./
COPY gateway gateway
COPY finetune finetune
COPY policies policies
RUN /opt/tools/bin/python -m hatchling build -t wheel -d dist && \
    /opt/tools/bin/uv pip install --python /opt/housestyle/bin/python --no-index --no-deps dist/*.whl

FROM build AS build-translator
ARG WHEELS=
RUN --mount=type=bind,target=/context \
    /opt/tools/bin/uv export --frozen --only-group translator -o translator.txt && \
    /opt/tools/bin/uv venv --python /usr/local/bin/python /opt/housestyle-translator && \
    /opt/tools/bin/uv pip install --python /opt/housestyle-translator/bin/python ${WHEELS:+--no-index --find-links "/context/$WHEELS"} \
        --only-binary :all: --require-hashes -r translator.txt

# What runs. Nothing is installed or written here any more: /tmp alone, and what is mounted.
FROM ${BASE} AS runtime
RUN groupadd --gid 10001 housestyle && \
    useradd --uid 10001 --gid 10001 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin housestyle && \
    python -m pip uninstall --yes --quiet pip setuptools wheel && \
    rm -rf /usr/local/lib/python3.*/ensurepip
ENV PATH=/opt/housestyle/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1
COPY --from=build /opt/housestyle /opt/housestyle
USER 10001:10001
WORKDIR /
EXPOSE 8080 8081
CMD ["housestyle", "serve", "--host", "0.0.0.0"]

# Beside ours, where the gateway, and `housestyle translator`, find it by themselves: for providers such as Bedrock and Vertex.
FROM runtime AS with-translator
EXPOSE 8443
COPY --from=build-translator /opt/housestyle-translator /opt/housestyle-translator

FROM runtime AS housestyle
