# The production image: one for web, worker, beat and migrations. See docker-compose.yml.

FROM node:24.18.0-bookworm-slim AS front-end
WORKDIR /brim
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM python:3.13.16-slim-bookworm AS packages
COPY requirements/base.txt .
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: --requirement base.txt

FROM python:3.13.16-slim-bookworm
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    STATIC_ROOT=/static \
    DATA_DIR=/data
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin brim \
    && install -d -o brim -g brim /data /static
COPY --from=packages /venv /venv
WORKDIR /brim
COPY . .
COPY --from=front-end /brim/node_modules node_modules
USER brim
# The settings want to be complete; nothing is connected to here, and none of these values stays in the image.
RUN SECRET_KEY=only-while-building-the-image-never-at-run-time ALLOWED_HOSTS=build BASE_URL=https://build EMAIL_URL=smtp://build \
    DATABASE_URL=postgres://build/build REDIS_URL=redis://build \
    python manage.py collectstatic --noinput
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--threads", "4", \
     "--timeout", "60", "--preload", "--no-control-socket", "--worker-tmp-dir", "/dev/shm", "--access-logfile", "-"]
