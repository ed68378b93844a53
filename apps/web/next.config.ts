import type { NextConfig } from "next";

const config: NextConfig = {
  transpilePackages: ["@crlab/shared", "@crlab/runner"],
  serverExternalPackages: ["@libsql/client", "libsql"],
  // Workspace packages import "./x.js" and mean x.ts; Turbopack does not follow that, webpack can be told to.
  experimental: { extensionAlias: { ".js": [".ts", ".tsx", ".js"] } },
  // `npm run typecheck` does this, over all packages; whoever starts a lab need not wait for it.
  typescript: { ignoreBuildErrors: true },
  // Small modules are copied into each chunk that uses them; the layout and every page use these. The bench is one chunk,
  // so that it can be fetched ahead of its page.
  webpack: (config, { isServer }) => {
    const { splitChunks } = config.optimization;
    if (!isServer && splitChunks)
      splitChunks.cacheGroups.runner = {
        test: /[\\/](runner-socket|runner-provider|frame|wire)\.tsx?$/,
        name: "runner",
        chunks: "all",
        enforce: true,
        priority: 50,
      };
    if (!isServer && splitChunks)
      splitChunks.cacheGroups.bench = {
        test: /[\\/]components[\\/]bench[\\/](bench|inspector|terminals|tabs|figures|replay-bar|separator|report-panel|recorded|use-feed)\.tsx?$/,
        name: "bench",
        chunks: "all",
        enforce: true,
        priority: 50,
      };
    return config;
  },
  poweredByHeader: false,
  devIndicators: false,
  // Nothing is gained by it on loopback.
  compress: !["127.0.0.1", "localhost", "::1"].includes(process.env.CRLAB_HOST ?? "127.0.0.1"),
};

export default config;
