"use client";
import { useEffect, useState } from "react";
import { RequestError } from "../../lib/runner-socket";
import styles from "./bench.module.css";

/** For so long it says that it has done what it does. */
const SAID_MS = 2000;

interface Props {
  id: string;
  /** What is looked at now. */
  query: string;
  onFail: (failure: unknown) => void;
}

/** Copies the link to what is shown. */
export function ShareButton({ id, query, onFail }: Props) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const later = setTimeout(() => setCopied(false), SAID_MS);
    return () => clearTimeout(later);
  }, [copied]);
  const share = async () => {
    const link = `${location.origin}/x/${id}${query}`;
    const { copyText } = await import("../../lib/copy-text");
    if (!(await copyText(link)))
      throw new RequestError({
        code: "copy.refused",
        message: "The browser did not let the link be copied.",
        hint: `It is ${link}`,
      });
    setCopied(true);
  };
  return (
    <button
      type="button"
      className="btn primary"
      onClick={() => void share().catch(onFail)}
      title="Copy the link to what is shown now"
    >
      <span className={styles.share}>{copied ? "Copied" : "Share"}</span> <span className="mono">/x/{id}</span>
    </button>
  );
}
