"use client";
import styles from "./link-banner.module.css";
import { useLinkState } from "./runner-provider";
import { Said } from "./said";

/** Says so when the runner is away, and what still works. */
export function LinkBanner() {
  const link = useLinkState();
  if (link.kind !== "away") return null;
  return (
    <div className={styles.banner} role="status" data-testid="runner-away">
      <b>{link.error.message}</b> <Said text={link.error.hint ?? "Reconnecting …"} />
    </div>
  );
}
