import { type ExperimentView, formatBytes, type ProcessInfo } from "@crlab/shared";
import styles from "./inspector.module.css";

/** Inodes that more than one process of a tree holds open. */
function sharedInodes(processes: readonly ProcessInfo[]): Set<number> {
  const holders = new Map<number, number>();
  for (const { files } of processes) {
    for (const inode of new Set(files.flatMap((f) => (f.inode === undefined || f.kind === "char" ? [] : [f.inode]))))
      holders.set(inode, (holders.get(inode) ?? 0) + 1);
  }
  return new Set([...holders].filter(([, n]) => n > 1).map(([inode]) => inode));
}

function depthOf(process: ProcessInfo, all: readonly ProcessInfo[]): number {
  let depth = 0;
  let parent = all.find((p) => p.pid === process.ppid);
  while (parent && depth < all.length) {
    depth++;
    const { ppid } = parent;
    parent = all.find((p) => p.pid === ppid);
  }
  return depth;
}

/** Each target's process tree with its open files. */
export function Processes({ view }: { view: ExperimentView }) {
  const alive = view.targets.filter((t) => t.processes.length > 0);
  if (alive.length === 0)
    return (
      <p className={styles.none}>{view.targets.length === 0 ? "No workload has been started." : "No process runs."}</p>
    );
  return alive.map((target) => {
    const shared = sharedInodes(target.processes);
    return target.processes.map((process) => (
      <section key={`${target.name}-${process.pid}`} className={styles.card}>
        <h3>
          <span className="mono">
            {"└ ".repeat(Math.min(1, depthOf(process, target.processes)))}
            {process.pid} {process.command}
          </span>
          <span>
            {process.state} · {process.threads} thr · {formatBytes(process.rssBytes)}
          </span>
        </h3>
        <table>
          <thead className="visually-hidden">
            <tr>
              <th>fd</th>
              <th>points to</th>
              <th>marks</th>
            </tr>
          </thead>
          <tbody>
            {process.files.map((file) => (
              <tr key={file.fd}>
                <td>{file.fd}</td>
                <td className={styles.path}>{file.path}</td>
                <td className="num">
                  {file.unlinked && <span className="tag unlinked">unlinked</span>}{" "}
                  {file.inode !== undefined && shared.has(file.inode) && <span className="tag shared">shared</span>}{" "}
                  {file.inode !== undefined && <span className="tag">ino {file.inode}</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    ));
  });
}
