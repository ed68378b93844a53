"use client";
import styles from "./link-banner.module.css";
import { useLinkState, useRunnerStatus } from "./runner-provider";
import { Said } from "./said";

/** Says so when the runner is away, or can keep nothing, and what to do about it. */
export function LinkBanner() {
  const link = useLinkState();
  const trouble = useRunnerStatus()?.trouble;
  if (link.kind === "away")
    return (
      <div className={styles.banner} role="status" data-testid="runner-away">
        <b>{link.error.message}</b> <Said text={link.error.hint ?? "Reconnecting …"} />
      </div>
    );
  if (trouble === undefined) return null;
  return (
    <div className={styles.banner} role="status" data-testid="runner-trouble">
      <b>
        Nothing new can be kept: <Said text={trouble.message} />.
      </b>{" "}
      {trouble.hint !== undefined && <Said text={trouble.hint} />}
    </div>
  );
}
