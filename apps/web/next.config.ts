import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

const config: NextConfig = {
  transpilePackages: ["@crlab/shared", "@crlab/runner"],
  serverExternalPackages: ["@libsql/client", "libsql"],
  turbopack: { root: fileURLToPath(new URL("../..", import.meta.url)) },
  poweredByHeader: false,
  devIndicators: false,
  // The server compresses nothing: it is one hop away, on loopback.
  compress: false,
};

export default config;
