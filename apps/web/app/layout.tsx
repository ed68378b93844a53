import type { Metadata, Viewport } from "next";
import { cookies } from "next/headers";
import type { ReactNode } from "react";
import { RunnerProvider } from "../components/runner-provider";
import { Stage } from "../components/stage";
import { readTheme, THEME_COOKIE } from "../lib/theme";
import "@fontsource/ibm-plex-sans/latin-400.css";
import "@fontsource/ibm-plex-sans/latin-600.css";
import "@fontsource/ibm-plex-mono/latin-400.css";
import "@fontsource/ibm-plex-mono/latin-600.css";
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
  return (
    <html lang="en" data-theme={theme}>
      <body>
        <RunnerProvider>
          <Stage>{children}</Stage>
        </RunnerProvider>
      </body>
    </html>
  );
}
