"use client";
import type { KeyboardEvent, ReactNode } from "react";
import styles from "./bench.module.css";

export interface Tab {
  id: string;
  label: string;
}

interface Props {
  name: string;
  tabs: readonly Tab[];
  chosen: string;
  onChoose: (id: string) => void;
  children?: ReactNode;
}

/** A row of tabs; arrows move among them, as ARIA's pattern says. */
export function Tabs({ name, tabs, chosen, onChoose, children }: Props) {
  const move = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined || tabs.length === 0) return;
    event.preventDefault();
    const next = tabs[(tabs.findIndex((t) => t.id === chosen) + step + tabs.length) % tabs.length];
    if (!next) return;
    onChoose(next.id);
    document.getElementById(`tab-${name}-${next.id}`)?.focus();
  };
  return (
    <div className={styles.head}>
      <div role="tablist" aria-label={name} className={styles.tablist} onKeyDown={move}>
        {tabs.map((tab) => (
          <button
            key={tab.id}
            id={`tab-${name}-${tab.id}`}
            type="button"
            role="tab"
            aria-selected={tab.id === chosen}
            aria-controls={`panel-${name}`}
            tabIndex={tab.id === chosen ? 0 : -1}
            onClick={() => onChoose(tab.id)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      {children}
    </div>
  );
}
