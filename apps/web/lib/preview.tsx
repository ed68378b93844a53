/** The picture that a mail or a chat shows of a link: title, how it stands, figures. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Fingerprint } from "@crlab/shared";
import { ImageResponse } from "next/og";

const SIZE = { width: 1200, height: 630 };
const ink = { text: "#e6eaf0", dim: "#97a1b0", panel: "#161b22", back: "#0f1318", line: "#2b333d" };
const tones = { good: "#7bd7a5", bad: "#f27b78", doubtful: "#e0ac4f", plain: ink.text };

export interface Preview {
  title: string;
  question: string;
  /** In one word. */
  state: string;
  tone: keyof typeof tones;
  /** At most four are shown. */
  figures: readonly (readonly [name: string, value: string])[];
  fingerprint: Fingerprint | null;
}

/** A picture takes a while to draw, and is asked for by everybody who sees the link. */
const drawn = new Map<string, { version: string; png: ArrayBuffer }>();
const MAX_DRAWN = 50;

let fonts: Promise<Buffer[]> | undefined;
function loadFonts(): Promise<Buffer[]> {
  const root = process.env.CRLAB_ROOT ?? join(process.cwd(), "../..");
  const files = join(root, "node_modules/@fontsource/ibm-plex-sans/files");
  fonts ??= Promise.all([400, 600].map((weight) => readFile(join(files, `ibm-plex-sans-latin-${weight}-normal.woff`))));
  return fonts;
}

/** What the font has: for anything else a font would be fetched from elsewhere. */
const plain = (text: string): string =>
  text.replace(/[^\u0020-\u007e\u00a0-\u00ff\u2013\u2014\u2018-\u201d\u2026]/g, "?");

function Picture({ preview }: { preview: Preview }) {
  const { state, tone, question, figures, fingerprint: f } = preview;
  const title = plain(preview.title);
  return (
    <div
      style={{
        ...{ width: "100%", height: "100%", display: "flex", flexDirection: "column", padding: 64 },
        ...{ background: ink.back, color: ink.text, fontFamily: "Plex" },
      }}
    >
      <div style={{ display: "flex", fontSize: 30, color: ink.dim }}>crlab</div>
      <div style={{ display: "flex", fontSize: title.length > 60 ? 50 : 64, fontWeight: 600, marginTop: 12 }}>
        {title}
      </div>
      <div style={{ display: "flex", marginTop: 20, fontSize: 30, color: ink.dim }}>
        {plain(question.slice(0, 150))}
      </div>
      <div style={{ display: "flex", flexGrow: 1 }} />
      <div style={{ display: "flex", gap: 24 }}>
        <div
          style={{
            ...{ display: "flex", alignItems: "center", padding: "18px 28px", borderRadius: 12, fontSize: 44 },
            ...{
              fontWeight: 600,
              color: tones[tone],
              background: ink.panel,
              border: `2px solid ${ink.line}`,
            },
          }}
        >
          {state.toUpperCase()}
        </div>
        {figures.slice(0, 4).map(([name, value]) => (
          <div key={name} style={{ display: "flex", flexDirection: "column", padding: "8px 12px" }}>
            <div style={{ display: "flex", fontSize: 40, fontWeight: 600 }}>{plain(value)}</div>
            <div style={{ display: "flex", fontSize: 24, color: ink.dim }}>{plain(name)}</div>
          </div>
        ))}
      </div>
      <div style={{ display: "flex", marginTop: 32, fontSize: 24, color: ink.dim }}>
        {f === null ? "" : plain(`Linux ${f.kernelRelease}, ${f.accel.toUpperCase()}, ${f.cpus} CPUs, ${f.memMiB} MiB`)}
      </div>
    </div>
  );
}

/** Drawn anew when there is another version of what it shows. */
export async function previewResponse(id: string, version: string, preview: () => Preview): Promise<Response> {
  const known = drawn.get(id);
  let png = known?.version === version ? known.png : undefined;
  if (png === undefined) {
    const [normal, bold] = await loadFonts();
    const image = new ImageResponse(<Picture preview={preview()} />, {
      ...SIZE,
      fonts: [
        ...(normal ? [{ name: "Plex", data: normal, weight: 400 as const }] : []),
        ...(bold ? [{ name: "Plex", data: bold, weight: 600 as const }] : []),
      ],
    });
    png = await image.arrayBuffer();
    if (drawn.size >= MAX_DRAWN) drawn.clear();
    drawn.set(id, { version, png });
  }
  return new Response(png, { headers: { "Content-Type": "image/png", "Cache-Control": "max-age=60" } });
}
