# Mainstay's image: the dashboard, the service around it, and a last stage that holds only what runs.
#   docker build -t mainstay .
# BASE may be any image with glibc 2.36 or newer.
ARG BASE=debian:bookworm-slim

FROM node:22-bookworm-slim AS dashboard
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci
COPY frontend/ ./
RUN npm run build

FROM rust:1.95-bookworm AS build
WORKDIR /src
# For the build of ISA-L, which deflates archives; nothing of them gets into the last stage.
RUN apt-get update \
 && apt-get install -y --no-install-recommends autoconf automake libtool nasm \
 && rm -rf /var/lib/apt/lists/*
COPY . .
COPY --from=dashboard /src/frontend/dist frontend/dist
RUN cargo build --locked --profile dist --features isal --bin mainstay
# Certificates come along, since the slim base has none. A named volume begins as the folder that it covers, so
# the folders are open to whichever user the container will run as.
RUN install -D target/dist/mainstay /out/usr/local/bin/mainstay \
 && install -D -m 644 /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ca-certificates.crt \
 && install -d /out/etc/mainstay /out/opt/stacks \
 && install -d -m 1777 /out/var/lib/mainstay /out/opt/backups /out/opt/backup-logs /out/backup

FROM ${BASE} AS runtime
COPY --from=build /out/ /
LABEL org.opencontainers.image.title="Mainstay" \
      org.opencontainers.image.description="Self-hosted backup manager for Docker hosts" \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT"
# The port is published by whoever runs the container; nothing is reachable from outside before that.
ENV MAINSTAY_LISTEN=0.0.0.0:8080
EXPOSE 8080
# State, archives and job logs outlive the container even when nobody mounted anything there.
VOLUME ["/var/lib/mainstay", "/opt/backups", "/opt/backup-logs"]
# Root by default, because reading other people's volumes needs it. Any other user works too, given the group
# that owns the socket: docker run --user 1000 --group-add "$(stat -c %g /var/run/docker.sock)"
# Folders of the host must then be writable for that user, and volumes are streamed through the engine.
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s --retries=3 CMD ["/usr/local/bin/mainstay", "healthcheck"]
# As the first process it handles signals itself: a running job brings its stack back before the exit.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/mainstay"]
CMD ["serve"]
