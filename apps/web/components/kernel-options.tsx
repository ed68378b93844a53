"use client";
import { useRunnerStatus } from "./runner-provider";

const ofTheLab: Readonly<Record<string, string>> = {
  cr: "cr: patched",
  debug: "debug: patched, with KASAN and lockdep",
  base: "base: unpatched",
};

/** Kernels by name: the lab's, then those that somebody has built with changes. */
export function useKernels(): string[] {
  const built = useRunnerStatus()?.kernels ?? [];
  return [...Object.keys(ofTheLab), ...built.filter((name) => !Object.hasOwn(ofTheLab, name))];
}

/** The kernels that an experiment may boot, for a select; `chosen` is among them even where it is not built. */
export function KernelOptions({ chosen }: { chosen?: string | undefined }) {
  const names = new Set([...useKernels(), ...(chosen === undefined ? [] : [chosen])]);
  return [...names].map((name) => (
    <option key={name} value={name}>
      {ofTheLab[name] ?? `${name}: built with changes`}
    </option>
  ));
}
