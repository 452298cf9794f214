# syntax=docker/dockerfile:1

# Stage 1: compile. Nothing of it but dist/ reaches the image that runs.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/copy-assets.js scripts/build-stamp.js ./scripts/
COPY src ./src
RUN npm run build

# Stage 2: the engine, all roles. Which of them run is the command's business.
FROM node:20-bookworm-slim AS engine
# The migrator would cache in node_modules, which nobody may write here.
ENV NODE_ENV=production \
  JITI_FS_CACHE=false
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && npm cache clean --force
COPY --from=build /app/dist ./dist
COPY config/tones ./config/tones
# Journal and recordings; owned by the user that runs, so that a fresh volume is too.
RUN install -d -o node -g node -m 0750 \
  /var/lib/axbridge /var/lib/axbridge/journal /var/lib/axbridge/recordings
ENV AXBRIDGE_DATA=/var/lib/axbridge \
  JOURNAL_DIR=/var/lib/axbridge/journal \
  RECORDINGS_DIR=/var/lib/axbridge/recordings \
  TONES_DIR=/app/config/tones \
  HTTP_HOST=0.0.0.0 \
  HTTP_PORT=8080
USER node
VOLUME /var/lib/axbridge
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.HTTP_PORT + '/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The engine hears SIGTERM itself and starts no children, so it may be process 1;
# `docker run --init` does no harm.
# What a request leaves behind is gone before the next collection: with more room those are fewer.
ENTRYPOINT ["node", "--enable-source-maps", "--max-semi-space-size=32", "/app/dist/main.js"]
CMD ["serve"]

# For the profile `test` of docker-compose.yml: SIPp with the scenario catalogue.
FROM debian:bookworm-slim AS sipp
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends sip-tester \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /sip-scenarios
COPY sip-scenarios ./
USER nobody
ENTRYPOINT ["sipp"]
CMD ["-v"]

# Last, so that a build without --target gives the engine.
FROM engine
