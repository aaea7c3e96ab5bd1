# The server and the command line. Build it in the root directory of the source.
# The Python version of the tests; the slim image is enough, since the wheels need no other Debian packages.
FROM python:3.11-slim-trixie AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements requirements
COPY clients/python clients/python
COPY pyproject.toml README.md LICENSE ./
COPY service service
# The package contains links to these.
COPY examples examples
# A virtual environment without pip, filled by the pip of the image: packages whose hashes are locked, then our own, which are
# built by the locked setuptools. The bytecode is compiled here and not validated at run time: the files of the final image do
# not change.
RUN python -m pip install --require-hashes -r requirements/build.lock \
 && python -m venv --without-pip /opt/rolecall \
 && python -m pip --python /opt/rolecall/bin/python install --no-compile --require-hashes -r requirements/runtime.lock \
 && python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir wheels ./clients/python . \
 && python -m pip --python /opt/rolecall/bin/python install --no-compile --no-deps --no-index wheels/*.whl \
 && /opt/rolecall/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/rolecall/lib

FROM python:3.11-slim-trixie

ARG VERSION="0.1.0"
ARG REVISION=""
LABEL org.opencontainers.image.title="rolecall" \
      org.opencontainers.image.description="Decides over gRPC whether a principal may assume a role" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"

# No package installer stays in the image. The directory of the embedded store belongs to the image's user.
RUN python -m pip uninstall --yes --quiet --root-user-action ignore pip setuptools wheel \
 && rm -rf /usr/local/lib/python3.11/ensurepip \
 && install --directory --owner 65532 --group 65532 --mode 0700 /var/lib/rolecall
COPY --from=build /opt/rolecall /opt/rolecall
# The standard library of the image has no bytecode, and the server cannot write any.
RUN python -m compileall -q --invalidation-mode unchecked-hash /usr/local/lib/python3.11

# PYTHONSAFEPATH: modules are never imported from the working directory. PYTHONHASHSEED stays unset, so that hashes are random.
ENV PATH="/opt/rolecall/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/rolecall
USER 65532:65532
EXPOSE 50051 9464
STOPSIGNAL SIGTERM
ENTRYPOINT ["rolecall"]
CMD ["serve"]
