import type { NextConfig } from "next";

const config: NextConfig = {
  transpilePackages: ["@crlab/shared", "@crlab/runner"],
  serverExternalPackages: ["@libsql/client", "libsql"],
  // Workspace packages import "./x.js" and mean x.ts; Turbopack does not follow that, webpack can be told to.
  experimental: { extensionAlias: { ".js": [".ts", ".tsx", ".js"] } },
  poweredByHeader: false,
  devIndicators: false,
  // Nothing is gained by it on loopback.
  compress: false,
};

export default config;
