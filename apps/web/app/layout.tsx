import type { Metadata, Viewport } from "next";
import { cookies, headers } from "next/headers";
import type { ReactNode } from "react";
import "./fonts";
import { RunnerProvider } from "../components/runner-provider";
import { Stage } from "../components/stage";
import { firstScript } from "../lib/first-script";
import { readTheme, THEME_COOKIE } from "../lib/theme";
import "./tokens.css";
import "./globals.css";

export const metadata: Metadata = {
  title: { default: "crlab", template: "%s · crlab" },
  description: "A web lab for kernel checkpoint/restart experiments",
};

export const viewport: Viewport = { width: "device-width", initialScale: 1 };

export default async function RootLayout({ children }: { children: ReactNode }) {
  // From a cookie, so that the first paint already has the chosen theme.
  const theme = readTheme((await cookies()).get(THEME_COOKIE)?.value);
  const nonce = (await headers()).get("x-nonce") ?? undefined;
  return (
    <html lang="en" data-theme={theme}>
      <body>
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: it is our own */}
        <script nonce={nonce} suppressHydrationWarning dangerouslySetInnerHTML={{ __html: firstScript }} />
        <RunnerProvider>
          <Stage>{children}</Stage>
        </RunnerProvider>
      </body>
    </html>
  );
}
