import { describeStep, type Step } from "@crlab/shared";

const STRIDE = 22;
const MAX_STEPS = 16;

const colour: Record<Step["kind"], string> = {
  boot: "var(--ink-3)",
  reboot: "var(--ink-3)",
  start: "var(--running)",
  checkpoint: "var(--frozen)",
  unlink: "var(--warn)",
  rename: "var(--warn)",
  kill: "var(--failed)",
  restore: "var(--running)",
  migrate: "var(--running)",
  verify: "var(--accent)",
  wait: "var(--border-strong)",
  run: "var(--ink-3)",
};

/** A file's steps as a row of marks: square for a checkpoint, bar for a kill, ring for a restore, arrow for a migration. */
export function StepsSketch({ steps }: { steps: readonly Step[] }) {
  const shown = steps.slice(0, MAX_STEPS);
  const width = MAX_STEPS * STRIDE;
  return (
    <svg viewBox={`0 0 ${width} 24`} role="img" aria-label={steps.map(describeStep).join(", ")}>
      <line x1="0" y1="12" x2={width} y2="12" stroke="var(--border)" strokeWidth="2" />
      {shown.map((step, i) => {
        const x = i * STRIDE + 8;
        const key = `${i}-${step.kind}`;
        const fill = colour[step.kind];
        if (step.kind === "checkpoint")
          return <rect key={key} x={x - 6} y="6" width="12" height="12" rx="2" fill={fill} />;
        if (step.kind === "kill") return <rect key={key} x={x - 1.5} y="2" width="3" height="20" fill={fill} />;
        if (step.kind === "restore")
          return <circle key={key} cx={x} cy="12" r="5" fill="var(--panel)" stroke={fill} strokeWidth="2.5" />;
        if (step.kind === "migrate") return <path key={key} d={`M${x - 6} 6 l12 6 l-12 6 z`} fill={fill} />;
        return <circle key={key} cx={x} cy="12" r={step.kind === "wait" ? 3 : 5} fill={fill} />;
      })}
    </svg>
  );
}
