# Build stage: locked dependencies, the executable, and the root of the final image.
FROM oven/bun:1.4.5-debian AS build
WORKDIR /source
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile
COPY tsconfig.json ./
COPY config config
COPY views views
COPY scripts scripts
COPY src src
COPY deploy/rootfs.sh deploy/rootfs.sh
RUN bun run build && deploy/rootfs.sh dist/flow2api /root-of-image && chown -R 10001:10001 /root-of-image/data

# Final stage: the executable, what it is linked to, and nothing else: no shell, no package manager, no root.
FROM scratch
COPY --from=build /root-of-image /
USER 10001:10001
# What the server would otherwise begin anew for: calls to upstreams at once, how far garbage may grow, when it is given back, and how much is compiled.
ENV FLOW2API_STORAGE_DATA_DIR=/data BUN_CONFIG_MAX_HTTP_REQUESTS=8192 BUN_JSC_forceRAMSize=8589934592 BUN_IDLE_GC_SECONDS=1,1,38
ENV BUN_JSC_maximumFunctionForCallInlineCandidateBytecodeCostForDFG=20 BUN_JSC_maximumFunctionForCallInlineCandidateBytecodeCostForFTL=20 BUN_JSC_defaultB3OptLevel=1
WORKDIR /
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["/usr/local/bin/flow2api", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/flow2api"]
CMD ["serve"]
