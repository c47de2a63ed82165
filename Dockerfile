# One Trunkline instance; the migrations and the command line are in it too:
#   docker run --env-file production.env IMAGE dist/apps/cli/main.js migrate

FROM node:24.22-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY .swcrc ./
COPY tools/build.mjs tools/
COPY migrations migrations
COPY libs libs
COPY apps apps
# Nobody runs the demo or a copy of the build from an image.
RUN npm run build && rm -r dist/apps/demo dist/.built-from

FROM node:24.22-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The optional ones are the embedded databases, and nothing else that production uses.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24.22-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
# Numbers, since Kubernetes cannot tell whether a name is root. Nothing is written: the root file system may be read-only.
USER 10001:10001
EXPOSE 3000
# Whether the process is stuck, not whether the database is there: a restart would not bring that back.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Without a shell in between: SIGTERM drains.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--enable-source-maps"]
CMD ["dist/apps/server/main.js"]
