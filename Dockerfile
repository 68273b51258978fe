# One image for every process: `docker run … worker`, `processor`, `gateway`.
# Versions and hashes come from requirements.lock: uv checks each download against it.
FROM node:24-slim AS page
WORKDIR /src
COPY page/package.json page/package-lock.json page/.npmrc page/
RUN npm --prefix page ci --ignore-scripts
COPY clients/javascript/ clients/javascript/
COPY page/ page/
RUN npm --prefix page run build

FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.lock pyproject.toml README.md ./
COPY clients/python clients/python
RUN awk '/^uv==/{on=1} on{print} on&&!/\\$/{exit}' requirements.lock > /tmp/uv.lock \
 && pip install --no-cache-dir --no-deps --require-hashes --requirement /tmp/uv.lock \
 && python -c "import tomllib; print(*(each for part in ('.', 'clients/python') for each in tomllib.load(open(f'{part}/pyproject.toml', 'rb'))['project']['dependencies'] if not each.startswith('tracestream')), 'setuptools', sep='\n')" > /tmp/runtime.txt \
 && python -m venv --without-pip /opt/tracestream \
 && uv pip install --no-cache --python /opt/tracestream/bin/python --constraint requirements.lock --requirement /tmp/runtime.txt
COPY schemas schemas
COPY broker broker
COPY joblog joblog
COPY catalogue catalogue
COPY producers producers
COPY processors processors
COPY gateway gateway
COPY --from=page /src/gateway/static/page gateway/static/page
COPY tracestream tracestream
RUN uv pip install --no-cache --python /opt/tracestream/bin/python --no-deps --no-build-isolation ./clients/python . \
 && uv pip uninstall --python /opt/tracestream/bin/python setuptools

FROM python:3.11-slim
# The packages have plain names, so the working folder must not be on the module path.
ENV PATH=/opt/tracestream/bin:$PATH PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/tracestream tracestream \
 && mkdir /data && chown 10001:10001 /data
COPY --from=build /opt/tracestream /opt/tracestream
USER 10001
WORKDIR /var/lib/tracestream
STOPSIGNAL SIGTERM
ENTRYPOINT ["tracestream"]
CMD ["--help"]
