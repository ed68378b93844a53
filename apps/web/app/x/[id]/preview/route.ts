import { type ExperimentView, foldAll, formatBytes, formatMs, formatNs } from "@crlab/shared";
import { type Preview, previewResponse } from "../../../../lib/preview";
import { storedExperiment } from "../../../../lib/stored";

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
  return all.filter((one) => one !== undefined && one !== false);
}

const tones: Readonly<Record<string, Preview["tone"]>> = { pass: "good", fail: "bad", invalid: "doubtful" };

function previewOf(view: ExperimentView): Preview {
  const state = view.invalid !== null ? "invalid" : (view.verdict ?? view.status);
  const { title, question, fingerprint } = view;
  const tone = tones[state] ?? "plain";
  return { title, question: question ?? "", state, tone, figures: figures(view), fingerprint };
}

export async function GET(_: Request, { params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const stored = await storedExperiment(id);
  const lastSeq = stored?.events.at(-1)?.seq;
  if (!stored || lastSeq === undefined) return new Response("There is no such experiment.\n", { status: 404 });
  return previewResponse(id, String(lastSeq), () => previewOf(foldAll(stored.events)));
}
