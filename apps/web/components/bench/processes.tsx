import { type ExperimentView, formatBytes, type OpenFile, type ProcessInfo, type Watch } from "@crlab/shared";
import { type HeldPath, heldPaths } from "../../lib/held";
import { type Obstacle, obstaclesOf } from "../../lib/obstacles";
import { type Branch, processTree } from "../../lib/process-tree";
import { actionKeys } from "../../lib/shortcuts";
import { watchMask } from "../../lib/watch-mask";
import { DataTable } from "../data-table";
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

/** Each target's process tree with what it holds. */
export function Processes({
  view,
  onStart,
  onHeld,
}: {
  view: ExperimentView;
  onStart: (() => void) | null;
  onHeld: OnHeld | null;
}) {
  const alive = view.targets.filter((t) => t.processes.length > 0);
  if (alive.length === 0)
    return (
      <>
        <p className={styles.none}>
          {view.targets.length === 0 ? "No workload has been started." : "No process runs."}
          {view.targets.length > 0 && view.reason !== null && " Those that did are at an earlier moment of the replay."}
        </p>
        {view.targets.length === 0 && onStart && (
          <button type="button" className="btn primary" onClick={onStart}>
            Start a workload <kbd>{actionKeys.start}</kbd>
          </button>
        )}
      </>
    );
  const held = new Map(heldPaths(view).map((h) => [h.key, h]));
  const obstacles = obstaclesOf(view);
  return alive.map(({ name, processes }) => (
    <Branches
      key={name}
      branches={processTree(processes)}
      obstacles={obstacles}
      shared={sharedDescriptions(processes)}
      held={held}
      onHeld={onHeld}
    />
  ));
}

interface Shown {
  obstacles: readonly Obstacle[];
  /** By open file description. */
  shared: ReadonlyMap<number, string[]>;
  held: ReadonlyMap<string, HeldPath>;
  onHeld: OnHeld | null;
}

/** A list in a list for each generation. */
function Branches({ branches, ...shown }: Shown & { branches: readonly Branch[] }) {
  if (branches.length === 0) return null;
  return (
    <ul className={styles.tree}>
      {branches.map(({ process, children }) => (
        <li key={process.pid}>
          <Process process={process} {...shown} />
          <Branches branches={children} {...shown} />
        </li>
      ))}
    </ul>
  );
}

function Process({ process, obstacles, shared, held, onHeld }: Shown & { process: ProcessInfo }) {
  const own = obstacles.filter((o) => o.pid === process.pid);
  const whyNot = ({ fd }: OpenFile) => own.find((o) => o.fd === fd)?.why;
  return (
    <section className={styles.card} data-testid={`process-${process.pid}`}>
      <h3>
        <span className="mono">
          {process.pid} {process.command}
        </span>
        <span>
          {process.state} · {process.threads} thr · {formatBytes(process.rssBytes)}
        </span>
      </h3>
      {own
        .filter((o) => o.fd === null)
        .map(({ why }) => (
          <p key={why} className={styles.refused}>
            <span className="tag unlinked">refused</span> {why}
          </p>
        ))}
      <DataTable
        headHidden
        rows={heldBy(process)}
        keyOf={({ name, path }) => `${name} ${path}`}
        marks={({ file }) => (file ? { "data-kind": file.kind } : {})}
        columns={[
          { head: "fd", className: styles.fd, cell: ({ name }) => name },
          {
            head: "points to",
            className: styles.path,
            cell: (h) => (h.file ? <Target file={h.file} refused={whyNot(h.file)} /> : h.path),
          },
          {
            head: "marks",
            className: styles.marks,
            cell: ({ file, inode }) =>
              file ? (
                <FileMarks
                  file={file}
                  refused={whyNot(file) !== undefined}
                  sharers={file.description === undefined ? undefined : shared.get(file.description)}
                  held={held.get(`${process.pid}/fd/${file.fd}`)}
                  onHeld={onHeld}
                />
              ) : (
                <>
                  <span className="tag unlinked">unlinked</span>
                  {inode !== undefined && <span className="tag">ino {inode}</span>}
                </>
              ),
          },
        ]}
      />
      <MappedFiles process={process} held={held} onHeld={onHeld} />
    </section>
  );
}

/** A descriptor, or something that is held without one and whose name is gone. */
interface Held {
  name: string | number;
  path: string;
  file?: OpenFile;
  inode?: number | undefined;
}

function heldBy({ cwd, exe, files, maps = [] }: ProcessInfo): Held[] {
  const nameless = maps.filter((m) => m.unlinked && m.path !== exe?.path);
  return [
    ...(cwd?.unlinked ? [{ name: "cwd", path: cwd.path }] : []),
    ...(exe?.unlinked ? [{ name: "exe", path: exe.path }] : []),
    ...files.map((file) => ({ name: file.fd, path: file.path, file })),
    ...nameless.map(({ path, inode }) => ({ name: "map", path, inode })),
  ];
}

function Target({ file, refused }: { file: OpenFile; refused: string | undefined }) {
  const { watches = [], locks = [] } = file;
  return (
    <>
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
      {refused !== undefined && <div className={styles.detail}>{refused}</div>}
    </>
  );
}

interface FileProps {
  file: OpenFile;
  refused: boolean;
  sharers: string[] | undefined;
  held: HeldPath | undefined;
  onHeld: OnHeld | null;
}

function FileMarks({ file, refused, sharers, held, onHeld }: FileProps) {
  const { watches = [], locks = [] } = file;
  return (
    <>
      {held && onHeld && <HeldActions held={held} onHeld={onHeld} />}
      {refused && (
        <span className="tag unlinked" title="The last checkpoint, or dry run, named it">
          refused
        </span>
      )}
      {file.unlinked && (
        <span className="tag unlinked" title="The name it was opened by is gone">
          unlinked
          {file.links !== undefined && file.links > 0 && `, ${file.links} other ${file.links === 1 ? "link" : "links"}`}
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
    </>
  );
}

const HeldActions = ({ held, onHeld }: { held: HeldPath; onHeld: OnHeld }) => (
  <span className={styles.rowActions}>
    {(["rename", "unlink"] as const).map((action) => (
      <button key={action} type="button" className="btn quiet" onClick={() => onHeld(action, held)}>
        {action}
      </button>
    ))}
  </span>
);

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
      <DataTable
        headHidden
        rows={named}
        keyOf={(m) => m.path}
        columns={[
          { head: "file", className: styles.path, cell: (m) => m.path },
          {
            head: "marks",
            className: styles.marks,
            cell: (m) => {
              const h = held.get(`${process.pid}/map/${m.path}`);
              return (
                <>
                  {h && onHeld && <HeldActions held={h} onHeld={onHeld} />}
                  <span className="tag">ino {m.inode}</span>
                </>
              );
            },
          },
        ]}
      />
    </details>
  );
}
