/** The picture that a mail or a chat shows of a link: title, verdict, figures. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ExperimentView, foldAll, formatBytes, formatMs, formatNs } from "@crlab/shared";
import { ImageResponse } from "next/og";
import { storedExperiment } from "../../../../lib/stored";

const SIZE = { width: 1200, height: 630 };
const ink = { text: "#e6eaf0", dim: "#97a1b0", panel: "#161b22", back: "#0f1318", line: "#2b333d" };
const states: Readonly<Record<string, string>> = { pass: "#7bd7a5", fail: "#f27b78", invalid: "#e0ac4f" };

/** A picture takes a while to draw, and is asked for by everybody who sees the link. */
const drawn = new Map<string, { lastSeq: number; png: ArrayBuffer }>();
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

function figures(view: ExperimentView): [name: string, value: string][] {
  const last = view.checkpoints.at(-1)?.figures;
  const restored = view.restores.at(-1)?.figures;
  const moved = view.migrations.findLast((m) => m.downtimeMs !== null);
  const all: ([name: string, value: string] | false | undefined)[] = [
    last && ["frozen", formatNs(last.frozenNs)],
    last && ["image", formatBytes(last.bytes)],
    restored && ["restored in", formatNs(restored.totalNs)],
    moved !== undefined && moved.downtimeMs !== null && ["down while moved", formatMs(moved.downtimeMs)],
    [
      "steps",
      `${view.steps.filter((s) => s.state === "ok").length} of ${Math.max(view.steps.length, view.plan.length)} ok`,
    ],
  ];
  return all.filter((one) => one !== undefined && one !== false).slice(0, 4);
}

function Picture({ view }: { view: ExperimentView }) {
  const state = view.invalid !== null ? "invalid" : (view.verdict ?? view.status);
  const f = view.fingerprint;
  const title = plain(view.title);
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
        {plain((view.question ?? "").slice(0, 150))}
      </div>
      <div style={{ display: "flex", flexGrow: 1 }} />
      <div style={{ display: "flex", gap: 24 }}>
        <div
          style={{
            ...{ display: "flex", alignItems: "center", padding: "18px 28px", borderRadius: 12, fontSize: 44 },
            ...{
              fontWeight: 600,
              color: states[state] ?? ink.text,
              background: ink.panel,
              border: `2px solid ${ink.line}`,
            },
          }}
        >
          {state.toUpperCase()}
        </div>
        {figures(view).map(([name, value]) => (
          <div key={name} style={{ display: "flex", flexDirection: "column", padding: "8px 12px" }}>
            <div style={{ display: "flex", fontSize: 40, fontWeight: 600 }}>{plain(value)}</div>
            <div style={{ display: "flex", fontSize: 24, color: ink.dim }}>{name}</div>
          </div>
        ))}
      </div>
      <div style={{ display: "flex", marginTop: 32, fontSize: 24, color: ink.dim }}>
        {f === null ? "" : plain(`Linux ${f.kernelRelease}, ${f.accel.toUpperCase()}, ${f.cpus} CPUs, ${f.memMiB} MiB`)}
      </div>
    </div>
  );
}

export async function GET(_: Request, { params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const stored = await storedExperiment(id);
  const lastSeq = stored?.events.at(-1)?.seq;
  if (!stored || lastSeq === undefined) return new Response("There is no such experiment.\n", { status: 404 });
  const known = drawn.get(id);
  let png = known?.lastSeq === lastSeq ? known.png : undefined;
  if (png === undefined) {
    const [normal, bold] = await loadFonts();
    const image = new ImageResponse(<Picture view={foldAll(stored.events)} />, {
      ...SIZE,
      fonts: [
        ...(normal ? [{ name: "Plex", data: normal, weight: 400 as const }] : []),
        ...(bold ? [{ name: "Plex", data: bold, weight: 600 as const }] : []),
      ],
    });
    png = await image.arrayBuffer();
    if (drawn.size >= MAX_DRAWN) drawn.clear();
    drawn.set(id, { lastSeq, png });
  }
  return new Response(png, { headers: { "Content-Type": "image/png", "Cache-Control": "max-age=60" } });
}
