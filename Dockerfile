# The service in an image without a shell: the program, certificates and time zones.
#
#   docker build -t litekeep .
#
# deploy/docker/compose.yaml shows how it is run.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -tags disable_grpc_modules -ldflags='-s -w' -o /out/usr/bin/litekeep ./cmd/litekeep \
 && mkdir -p -m 0700 /out/data/state /out/data/backups /out/etc/litekeep

# Has the certificates of public authorities and the time zones. The user is 65532.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build --chown=0:0 /out/usr/bin/litekeep /usr/bin/litekeep
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=0:0 --chmod=0755 /out/etc/litekeep /etc/litekeep
ENV LITEKEEP_CONFIG=/etc/litekeep/litekeep.yaml \
    LITEKEEP_STATE=/data/state \
    LITEKEEP_BACKUP_DIRECTORY=/data/backups
USER 65532:65532
WORKDIR /data
VOLUME ["/data"]
# Runs get runs.grace (30s) to end: give docker stop a longer time than its 10s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=1m --timeout=15s --start-period=30s \
  CMD ["/usr/bin/litekeep", "doctor", "--only", "service", "--strict", "--quiet"]
ENTRYPOINT ["/usr/bin/litekeep"]
CMD ["serve", "--log", "json"]
