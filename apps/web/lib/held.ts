/** The paths that the running workloads hold: what one can rename or unlink under them. */
import type { ExperimentView } from "@crlab/shared";

export interface HeldPath {
  /** Stays the same over samples. */
  key: string;
  label: string;
  path: string;
  /** How a step speaks of it: by descriptor where it can, so that a fork means the same. */
  by: { target: string; fd: number } | { path: string };
}

const ORDINARY = new Set(["file", "fifo", "socket", "directory", "device"]);

export function heldPaths(view: ExperimentView): HeldPath[] {
  return view.targets.flatMap((target) =>
    target.processes.flatMap((process) => {
      const who = `${process.command} ${process.pid}`;
      const open = process.files
        .filter((f) => f.path.startsWith("/") && !f.unlinked && ORDINARY.has(f.kind) && !f.path.startsWith("/dev/"))
        .map((f) => ({
          key: `${process.pid}/fd/${f.fd}`,
          label: `fd ${f.fd} of ${who}: ${f.path}`,
          path: f.path,
          by: process.pid === target.pid ? { target: target.name, fd: f.fd } : { path: f.path },
        }));
      const mapped = (process.maps ?? [])
        .filter((m) => !m.unlinked)
        .map(({ path }) => ({
          key: `${process.pid}/map/${path}`,
          label: `${path === process.exe?.path ? "program" : "mapped by"} ${who}: ${path}`,
          path,
          by: { path },
        }));
      const watched = process.files.flatMap((f) =>
        (f.watches ?? []).flatMap(({ wd, path, unlinked, what }) =>
          path === undefined || unlinked || what !== "inode" || path === "/"
            ? []
            : [
                {
                  key: `${process.pid}/watch/${f.fd}/${wd ?? path}`,
                  label: `watched by ${who}${wd === undefined ? "" : `, wd ${wd}`}: ${path}`,
                  path,
                  by: { path },
                },
              ],
        ),
      );
      const cwd =
        process.cwd && !process.cwd.unlinked && process.cwd.path !== "/"
          ? [
              {
                key: `${process.pid}/cwd`,
                label: `working directory of ${who}: ${process.cwd.path}`,
                path: process.cwd.path,
                by: { path: process.cwd.path },
              },
            ]
          : [];
      return [...open, ...watched, ...mapped, ...cwd];
    }),
  );
}
