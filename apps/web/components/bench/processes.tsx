import { type ExperimentView, formatBytes, type OpenFile, type ProcessInfo, type Watch } from "@crlab/shared";
import { type HeldPath, heldPaths } from "../../lib/held";
import { watchMask } from "../../lib/watch-mask";
import styles from "./inspector.module.css";

/** What one may do with a path that a process holds. */
export type OnHeld = (action: "unlink" | "rename", held: HeldPath) => void;

/** The descriptors that lead to each open file description, where it is more than one. */
function sharedDescriptions(processes: readonly ProcessInfo[]): Map<number, string[]> {
  const holders = new Map<number, string[]>();
  // Terminals and /dev/null are shared by everybody and say nothing.
  for (const { pid, files } of processes)
    for (const { fd, kind, description } of files)
      if (description !== undefined && kind !== "device" && kind !== "tty")
        holders.set(description, [...(holders.get(description) ?? []), `fd ${fd} of ${pid}`]);
  return new Map([...holders].filter(([, fds]) => fds.length > 1));
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

/** Each target's process tree with what it holds. */
export function Processes({ view, onHeld }: { view: ExperimentView; onHeld: OnHeld | null }) {
  const alive = view.targets.filter((t) => t.processes.length > 0);
  if (alive.length === 0)
    return (
      <p className={styles.none}>{view.targets.length === 0 ? "No workload has been started." : "No process runs."}</p>
    );
  const held = new Map(heldPaths(view).map((h) => [h.key, h]));
  return alive.map((target) => {
    const shared = sharedDescriptions(target.processes);
    return target.processes.map((process) => (
      <section key={`${target.name}-${process.pid}`} className={styles.card} data-testid={`process-${process.pid}`}>
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
            {process.cwd?.unlinked && <PlaceRow name="cwd" place={process.cwd} />}
            {process.exe?.unlinked && <PlaceRow name="exe" place={process.exe} />}
            {process.files.map((file) => (
              <FileRow
                key={file.fd}
                file={file}
                sharers={file.description === undefined ? undefined : shared.get(file.description)}
                held={held.get(`${process.pid}/fd/${file.fd}`)}
                onHeld={onHeld}
              />
            ))}
            {process.maps
              ?.filter((m) => m.unlinked && m.path !== process.exe?.path)
              .map((m) => (
                <PlaceRow key={m.path} name="map" place={m} inode={m.inode} />
              ))}
          </tbody>
        </table>
        <MappedFiles process={process} held={held} onHeld={onHeld} />
      </section>
    ));
  });
}

function FileRow({
  file,
  sharers,
  held,
  onHeld,
}: {
  file: OpenFile;
  sharers: string[] | undefined;
  held: HeldPath | undefined;
  onHeld: OnHeld | null;
}) {
  const { watches = [], locks = [] } = file;
  return (
    <tr data-kind={file.kind}>
      <td className={styles.fd}>{file.fd}</td>
      <td className={styles.path}>
        {file.path.startsWith("/") ? file.path : plainName(file)}
        {watches.map((w, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: fanotify's marks have no name of their own
          <WatchLine key={`${w.wd ?? ""}-${i}`} kind={file.kind} watch={w} />
        ))}
        {locks.map((lock) => (
          <div key={lock} className={styles.detail}>
            lock {lock.replace("0-EOF", "whole file")}
          </div>
        ))}
      </td>
      <td className={styles.marks}>
        {held && onHeld && (
          <span className={styles.rowActions}>
            <button type="button" className="btn quiet" onClick={() => onHeld("rename", held)}>
              rename
            </button>
            <button type="button" className="btn quiet" onClick={() => onHeld("unlink", held)}>
              unlink
            </button>
          </span>
        )}
        {file.unlinked && (
          <span className="tag unlinked" title="The name it was opened by is gone">
            unlinked
            {file.links !== undefined &&
              file.links > 0 &&
              `, ${file.links} other ${file.links === 1 ? "link" : "links"}`}
          </span>
        )}
        {watches.length > 0 && <span className="tag shared">watch</span>}
        {locks.length > 0 && <span className="tag shared">lock</span>}
        {sharers && (
          <span className="tag shared" title={`One open file description: ${sharers.join(", ")}`}>
            shared
          </span>
        )}
        {file.kind === "socket" && <span className="tag">socket</span>}
        {file.kind === "fifo" && <span className="tag">fifo</span>}
        {file.access === "path" && <span className="tag">O_PATH</span>}
        {file.inode !== undefined && file.path.startsWith("/") && file.kind !== "tty" && file.kind !== "device" && (
          <span className="tag">ino {file.inode}</span>
        )}
      </td>
    </tr>
  );
}

function plainName(file: OpenFile): string {
  const n = file.watches?.length;
  if (n !== undefined) return `${file.kind} · ${n} ${n === 1 ? "watch" : "watches"}`;
  return file.path.replace(/^anon_inode:/, "").replace(/^\[(.*)\]$/, "$1");
}

function WatchLine({ kind, watch }: { kind: string; watch: Watch }) {
  const where = watch.path ?? (watch.inode === undefined ? "?" : `inode ${watch.inode}, no name found`);
  return (
    <div className={styles.detail}>
      {watch.wd === undefined ? watch.what : `wd ${watch.wd}`} → {where}{" "}
      {watch.unlinked && <span className="tag unlinked">unlinked</span>}{" "}
      <span className="dim">
        {watchMask(kind, watch.mask)}
        {watch.ignoredMask !== undefined && `, ignores ${watchMask(kind, watch.ignoredMask)}`}
      </span>
    </div>
  );
}

/** Something a process holds without a descriptor, and whose name is gone. */
function PlaceRow({ name, place, inode }: { name: string; place: { path: string }; inode?: number }) {
  return (
    <tr>
      <td className={styles.fd}>{name}</td>
      <td className={styles.path}>{place.path}</td>
      <td className={styles.marks}>
        <span className="tag unlinked">unlinked</span>
        {inode !== undefined && <span className="tag">ino {inode}</span>}
      </td>
    </tr>
  );
}

function MappedFiles({
  process,
  held,
  onHeld,
}: {
  process: ProcessInfo;
  held: ReadonlyMap<string, HeldPath>;
  onHeld: OnHeld | null;
}) {
  const named = process.maps?.filter((m) => !m.unlinked) ?? [];
  if (named.length === 0) return null;
  return (
    <details className={styles.mapped}>
      <summary>
        {named.length} mapped {named.length === 1 ? "file" : "files"}
      </summary>
      <table>
        <tbody>
          {named.map((m) => {
            const h = held.get(`${process.pid}/map/${m.path}`);
            return (
              <tr key={m.path}>
                <td className={styles.path}>{m.path}</td>
                <td className={styles.marks}>
                  {h && onHeld && (
                    <span className={styles.rowActions}>
                      <button type="button" className="btn quiet" onClick={() => onHeld("rename", h)}>
                        rename
                      </button>
                      <button type="button" className="btn quiet" onClick={() => onHeld("unlink", h)}>
                        unlink
                      </button>
                    </span>
                  )}
                  <span className="tag">ino {m.inode}</span>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </details>
  );
}
