import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

/** Modules of Next.js that come along with every page, and what stands in their place in a browser: a tenth of what it loads. */
const replacements = {
  // The built-in page for the worst case, though we have our own.
  "next/dist/client/components/builtin/global-error": "app/global-error.tsx",
  // For browsers that are older than those Next.js is made for.
  "next/dist/build/polyfills/polyfill-module": "stand-ins/nothing.ts",
  // What only a developer is told.
  "next/dist/shared/lib/instant-messages": "stand-ins/nothing.ts",
  "next/dist/lib/constants": "stand-ins/constants.ts",
  "next/dist/shared/lib/router/utils/interception-routes": "stand-ins/interception-routes.ts",
  "next/dist/client/components/prefetch": "stand-ins/prefetching.ts",
  "next/dist/client/components/segment-cache/scheduler": "stand-ins/prefetching.ts",
  "next/dist/client/components/segment-cache/optimistic-routes": "stand-ins/known-routes.ts",
  "next/dist/client/components/router-reducer/reducers/server-action-reducer": "stand-ins/server-actions.ts",
};

/** By the files that they are, whoever imports them by whatever path. */
function replacementAliases(): Record<string, string> {
  const { resolve } = createRequire(import.meta.url);
  const ours = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const find = (module: string) => {
    try {
      return resolve(module);
    } catch {
      throw new Error(
        `next.config.ts replaces ${module}, which Next.js no longer has: name what took its place, or nothing`,
      );
    }
  };
  return Object.fromEntries(Object.entries(replacements).map(([module, path]) => [find(module), ours(path)]));
}

/** Names of classes are in the code of whoever uses them: short ones are a kilobyte less in a first visit. */
function shortenClassNames(rules: unknown): void {
  if (Array.isArray(rules)) for (const rule of rules) shortenClassNames(rule);
  if (typeof rules !== "object" || rules === null) return;
  const { oneOf, use, options } = rules as { oneOf?: unknown; use?: unknown; options?: { modules?: unknown } };
  shortenClassNames(oneOf);
  shortenClassNames(use);
  const modules = options?.modules;
  if (typeof modules === "object" && modules !== null && "getLocalIdent" in modules)
    modules.getLocalIdent = (
      { rootContext, resourcePath }: { rootContext: string; resourcePath: string },
      _: unknown,
      name: string,
    ) => {
      const of = `${relative(rootContext, resourcePath)} ${name}`;
      return `c${createHash("sha256").update(of).digest("base64url").slice(0, 5)}`;
    };
}

/**
 * What every page begins with is compiled whole, off the page's own thread while it comes: else a browser compiles each function
 * when it is first called, and a phone stands still meanwhile. Others run such a file as before.
 */
const compileAtOnce: NonNullable<NextConfig["webpack"]> = (config, { webpack }) => {
  const banner = "//# allFunctionsCalledOnLoad";
  // Once nothing takes comments away any more.
  const stage = webpack.Compilation.PROCESS_ASSETS_STAGE_REPORT;
  config.plugins.push(new webpack.BannerPlugin({ banner, raw: true, entryOnly: true, test: /\.js$/, stage }));
};

const config: NextConfig = {
  transpilePackages: ["@crlab/shared", "@crlab/runner"],
  serverExternalPackages: ["@libsql/client", "libsql"],
  // Workspace packages import "./x.js" and mean x.ts; Turbopack does not follow that, webpack can be told to.
  experimental: { extensionAlias: { ".js": [".ts", ".tsx", ".js"] } },
  // `npm run typecheck` does this, over all packages; whoever starts a lab need not wait for it.
  typescript: { ignoreBuildErrors: true },
  // Small modules are copied into each chunk that uses them; the layout and every page use these. The bench is one chunk,
  // so that it can be fetched ahead of its page.
  webpack: (config, context) => {
    const { isServer, dev } = context;
    const { splitChunks } = config.optimization;
    if (!isServer && !dev) compileAtOnce(config, context);
    if (!dev) shortenClassNames(config.module.rules);
    // Of every part that may be loaded later, its hash comes along at first.
    config.output.hashDigestLength = 8;
    if (!isServer) Object.assign(config.resolve.alias, replacementAliases());
    if (!isServer && splitChunks)
      splitChunks.cacheGroups.runner = {
        test: /[\\/](runner-socket|runner-provider|frame|wire|stage|made-here|fresh|ahead|parts|create-button|shipped-file|early|run-request|hydrated|error-note|said|theme-toggle|cookie)\.tsx?$/,
        name: "runner",
        chunks: "all",
        enforce: true,
        priority: 50,
      };
    if (!isServer && splitChunks)
      splitChunks.cacheGroups.bench = {
        test: /[\\/]components[\\/]bench[\\/](bench|connection|inspector|terminals|tabs|figures|replay-bar|separator|share-button|show-latest|report-buttons|recorded|use-feed|use-stored|use-tools)\.tsx?$/,
        name: "bench",
        chunks: "all",
        enforce: true,
        priority: 50,
      };
    return config;
  },
  poweredByHeader: false,
  devIndicators: false,
};

export default config;
