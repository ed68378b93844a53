/**
 * The faces of the design language, under their own names, as canvases have to know them. A page asks for them before it is
 * drawn, and does not change over to one that comes too late: nothing moves under who reads.
 */
import localFont from "next/font/local";

export const sans = localFont({
  src: [
    {
      path: "../../../node_modules/@fontsource/ibm-plex-sans/files/ibm-plex-sans-latin-400-normal.woff2",
      weight: "400",
    },
    {
      path: "../../../node_modules/@fontsource/ibm-plex-sans/files/ibm-plex-sans-latin-600-normal.woff2",
      weight: "600",
    },
  ],
  declarations: [{ prop: "font-family", value: '"IBM Plex Sans"' }],
  adjustFontFallback: false,
  display: "optional",
});

export const mono = localFont({
  src: [
    {
      path: "../../../node_modules/@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-400-normal.woff2",
      weight: "400",
    },
  ],
  declarations: [{ prop: "font-family", value: '"IBM Plex Mono"' }],
  adjustFontFallback: false,
  display: "optional",
});

/** In terminals and charts, which few pages begin with. */
export const strongMono = localFont({
  src: [
    {
      path: "../../../node_modules/@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-600-normal.woff2",
      weight: "600",
    },
  ],
  declarations: [{ prop: "font-family", value: '"IBM Plex Mono"' }],
  adjustFontFallback: false,
  display: "swap",
  preload: false,
});
