FROM python:3.12-slim

RUN useradd --create-home --uid 10001 openfunnel
WORKDIR /app

COPY requirements.txt ./
RUN pip install --no-cache-dir --only-binary :all: --requirement requirements.txt

COPY pyproject.toml scrapy.cfg ./
COPY openfunnel openfunnel
COPY spiders spiders
COPY pipelines pipelines
COPY api api
RUN pip install --no-cache-dir --no-deps --editable .

USER openfunnel
CMD ["openfunnel", "--help"]
