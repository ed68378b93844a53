"use client";
import type { ActionId, CheckpointView, ExperimentView, NamedError } from "@crlab/shared";
import {
  lazy,
  type MouseEvent,
  Suspense,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { rememberChoice } from "../../lib/cookie";
import { parts } from "../../lib/parts";
import { toNamedError } from "../../lib/run-request";
import { actionKeys, isTyping, pageKeys } from "../../lib/shortcuts";
import { readShown, type Shown, writeShown } from "../../lib/shown";
import { formatClock } from "../../lib/time";
import { defaultZones, writeZones, ZONES_COOKIE, type Zones, zoneProperties } from "../../lib/zones";
import { useCreate } from "../create-button";
import { ErrorNote } from "../error-note";
import { LinkBanner } from "../link-banner";
import { useRunner, useRunnerStatus } from "../runner-provider";
import { ThemeToggle } from "../theme-toggle";
import { VerdictPill } from "../verdict-pill";
import styles from "./bench.module.css";
import { Connection, Watching } from "./connection";
import type * as Drive from "./drive";
import { Figures } from "./figures";
import { Inspector } from "./inspector";
import { Kept } from "./kept";
import { ReplayBar } from "./replay-bar";
import { Separator } from "./separator";
import { ShareButton } from "./share-button";
import { hiddenBelow, showLatest } from "./show-latest";
import { type LastScreen, Terminals } from "./terminals";
import { useFeed } from "./use-feed";
import { useStored } from "./use-stored";
import { useTools } from "./use-tools";

interface Props {
  id: string;
  /** As it was when the page was served. */
  came: ExperimentView;
  /** What it was at the moment that the link speaks of. */
  pastView: ExperimentView | null;
  /** Null: nobody has chosen any. */
  zones: Zones | null;
  /** What the link speaks of. */
  shown: Shown;
  /** Of an experiment that is over. */
  end: ServedEnd | null;
}

export interface ServedEnd {
  lastScreen: LastScreen;
  /** What is in its images is not there yet. */
  brief: boolean;
}

const Steps = lazy(() => parts.steps().then((m) => ({ default: m.Steps })));
const PlanStopped = lazy(() => import("./plan-stopped").then((m) => ({ default: m.PlanStopped })));
const Expiry = lazy(() => parts.expiry().then((m) => ({ default: m.Expiry })));

/** One experiment: who made it drives it, others watch; when it is over, everyone may move through it. */
export function Bench({ id, came, pastView, zones: firstZones, shown, end }: Props) {
  const socket = useRunner();
  const [tab, setTab] = useState(shown.tab);
  const feed = useFeed(id, came);
  const { create, error: createError } = useCreate();
  const [chosenMs, setMoment] = useState(shown.atMs);
  const [terminal, setTerminal] = useState(shown.terminal);
  const [checkpoint, setCheckpoint] = useState(shown.checkpoint);
  const [against, setAgainst] = useState(shown.against);
  const [offset, setOffset] = useState(shown.offset);
  const [dialog, setDialog] = useState<Drive.Asking | "help" | null>(null);
  const [preset, setPreset] = useState<Drive.Preset>({});
  const [error, setError] = useState<NamedError | null>(null);
  const [zones, setZones] = useState(firstZones);
  const [playing, setPlaying] = useState(false);
  const fail = useCallback((failure: unknown) => setError(toNamedError(failure)), []);
  const stepsEnd = useRef<HTMLElement>(null);
  const main = useRef<HTMLElement>(null);

  const over = feed.view.status === "ended" || feed.view.status === "interrupted";
  // From the last moment on it is the end that is shown.
  const moment = over && chosenMs !== null && chosenMs < feed.view.lastMs ? chosenMs : null;
  const atMs = over ? (moment ?? feed.view.lastMs) : null;
  const deeper = end?.brief === true && (tab === "memory" || tab === "checkpoints");
  const found = useStored(id, feed.view.lastSeq, moment, deeper, fail);
  const view = found ?? (moment !== null ? pastView : null) ?? feed.view;
  // It still says what the page was served with.
  const current = end !== null && moment === null && view.lastSeq === came.lastSeq;
  // The address says what is looked at, so that it can be sent to others and survives a reload.
  const query = writeShown({
    atMs: moment,
    terminal,
    tab,
    checkpoint,
    // Elsewhere they say nothing.
    against: tab === "checkpoints" || tab === "memory" ? against : null,
    offset: tab === "checkpoints" ? offset : null,
  });
  useEffect(() => {
    // A playing replay would change it at every frame, and browsers allow only so many changes.
    if (query === location.search) return;
    const later = setTimeout(
      () => window.history.replaceState(window.history.state, "", `${location.pathname}${query}`),
      300,
    );
    return () => clearTimeout(later);
  }, [query]);
  const drive = feed.mayDrive && !over;
  const { tools, withTools } = useTools(drive);
  // The latest, until one chooses another; a new one is what one goes on with.
  const { targets } = feed.view;
  const [onTarget, setOnTarget] = useState({ name: "", of: 0 });
  const target = (onTarget.of === targets.length && targets.find((t) => t.name === onTarget.name)) || targets.at(-1);
  const trouble = useRunnerStatus()?.trouble?.message;
  const possible = useMemo(
    () => tools?.actions(feed.view, target?.name, trouble) ?? [],
    [tools, feed.view, target, trouble],
  );

  const driver = useMemo(() => tools?.driver(socket, id) ?? null, [tools, socket, id]);
  const may = drive ? driver : null;
  const can = (action: ActionId) => drive && possible.some((a) => a.id === action && a.possible);
  const act = useCallback(
    (action: ActionId) => {
      setError(null);
      if (!tools || !driver) return;
      if (tools.asks(action)) {
        setPreset({});
        setDialog(action);
        return;
      }
      driver.act[action](tools.onTarget(feed.view, target)).catch(fail);
    },
    [tools, driver, fail, feed.view, target],
  );
  /** What restores a checkpoint; null where it cannot be. */
  const restorer = (checkpoint: CheckpointView) =>
    drive && tools?.actions(feed.view, checkpoint.target, trouble).some((a) => a.id === "restore" && a.possible)
      ? () => {
          setPreset({ checkpoint: checkpoint.name });
          setOnTarget({ name: checkpoint.target, of: targets.length });
          setDialog("restore");
        }
      : null;
  const help = useCallback(() => withTools(() => setDialog("help")), [withTools]);

  // What answers to no request: a step that could not even begin, too much at once.
  useEffect(
    () => socket.onMessage((message) => message.type === "error" && message.id === null && setError(message.error)),
    [socket],
  );

  // With what is drawn, not after it: a key is for what one sees.
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const zone = { [pageKeys.terminal]: "terminals", [pageKeys.steps]: "steps", [pageKeys.inspector]: "inspector" }[
        event.key
      ];
      const action = possible.find((a) => actionKeys[a.id] === event.key);
      if (event.key === pageKeys.help) help();
      else if (zone) document.getElementById(zone)?.focus();
      else if (drive && action?.possible) act(action.id);
      // Its button says why not.
      else if (drive && action) document.querySelector<HTMLElement>(`[data-action="${action.id}"]`)?.focus();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [possible, drive, act, help]);

  // The newest step is what one follows; what is over is read from its beginning.
  const stepCount = feed.view.steps.length;
  const stepState = feed.view.steps.at(-1)?.state;
  const roundCount = feed.view.migrations.at(-1)?.rounds.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a step gets lines when it is over, and with each round of a migration
  useEffect(() => {
    const box = stepsEnd.current;
    if (over || !box) return;
    showLatest(box, stepCount);
    // Actions and banners that come take room from it.
    let height = box.clientHeight;
    const sizes = new ResizeObserver(() => {
      if (hiddenBelow(box, stepCount) <= height - box.clientHeight) showLatest(box, stepCount);
      height = box.clientHeight;
    });
    sizes.observe(box);
    return () => sizes.disconnect();
  }, [stepCount, stepState, roundCount, over]);

  // On a phone the zones stand one below the other, and a link may speak of what is far down.
  useEffect(() => {
    if (shown.tab !== null) showInspector();
  }, [shown.tab]);

  // The first paint has them from the page's own style element; style attributes are not allowed.
  useLayoutEffect(() => {
    for (const [name, value] of zones === null ? [] : zoneProperties(zones))
      main.current?.style.setProperty(name, value);
  }, [zones]);

  const resize = (zone: keyof Zones, px: number) => {
    const next = { ...(zones ?? widthsNow()), [zone]: px };
    setZones(next);
    rememberChoice(ZONES_COOKIE, writeZones(next));
  };
  /** A link to another view of this page needs no loading. */
  const follow = (event: MouseEvent<HTMLElement>) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[data-view]") : null;
    if (link === null || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    const to = readShown(Object.fromEntries(new URL(link.href).searchParams));
    if (to.atMs !== null) {
      setPlaying(false);
      setMoment(to.atMs);
      if (to.tab === null) return;
    }
    setTab(to.tab);
    setCheckpoint(to.checkpoint);
    setAgainst(to.against);
    setOffset(to.offset);
    showInspector();
  };
  const { fingerprint, guest } = view;
  const failure = error ?? createError;
  const barred = trouble === undefined ? {} : { "aria-disabled": true, title: `It could not be kept: ${trouble}` };
  const again = (type: "fork" | "rerun") => trouble === undefined && create({ type, experiment: id }, view.title);

  return (
    <div className={styles.bench} data-seq={view.lastSeq}>
      <header className={styles.top}>
        {/* No <Link>: whoever was sent this page's address should not load a router's worth of code for it. */}
        <a href="/" className={styles.brand}>
          crlab
        </a>
        <span className={`dim ${styles.slash}`} aria-hidden="true">
          /
        </span>
        <h1>{view.title}</h1>
        <span data-testid="verdict">
          {/* What it came to, whatever moment is shown. */}
          <VerdictPill view={over ? feed.view : view} />
        </span>
        {fingerprint && <span className="tag mono">{`${fingerprint.kernelVariant} ${fingerprint.kernelRelease}`}</span>}
        {fingerprint && <span className="tag mono">{fingerprint.accel.toUpperCase()}</span>}
        {moment !== null && <span className="tag mono">as it was at {formatClock(moment)}</span>}
        <span className={styles.space} />
        {feed.watchers !== null && !over && <span className="dim">{feed.watchers} watching</span>}
        <div className={styles.buttons}>
          <button type="button" className="btn" {...barred} onClick={() => again("fork")}>
            Fork
          </button>
          {over && (
            <button type="button" className="btn" {...barred} onClick={() => again("rerun")}>
              Run again
            </button>
          )}
          <ShareButton id={id} query={query} onFail={fail} />
          <ThemeToggle />
        </div>
      </header>
      <div>
        <LinkBanner />
        {view.invalid !== null && (
          <p className={styles.invalid} role="status" data-testid="invalid">
            <b>This result does not count:</b> {view.invalid}
          </p>
        )}
        {!over && guest !== null && guest.bootMs !== null && (guest.state === "died" || guest.state === "hung") && (
          <p className={styles.lost} role="status" data-testid="lost">
            <b>
              Guest {guest.guest} {guest.state === "died" ? "has died" : "hung"}:
            </b>{" "}
            {guest.reason}. What it held went with it; boot again to go on by hand.
          </p>
        )}
        {guest?.queue != null && (
          <p className={styles.queued} role="status" data-testid="queue">
            All guests are in use: this one waits,{" "}
            {guest.queue === 1 ? "and is next" : `with ${guest.queue - 1} before it`}. <a href="/guests">Who runs?</a>
          </p>
        )}
      </div>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: these are links, which keys follow, too */}
      <main
        ref={main}
        className={styles.zones}
        // Nothing changes by itself any more, and nobody asked for what a page has to make first.
        data-rests={(over && [shown.tab, shown.atMs, shown.terminal].every((s) => s === null)) || undefined}
        onClick={follow}
      >
        <div className={styles.figuresFirst}>
          <Figures view={view} />
        </div>
        <section id="steps" tabIndex={-1} className={styles.left} aria-label="Steps and actions">
          <div className={styles.head}>
            <h2>Steps</h2>
            {view.reason !== null && over && (
              <span className={`dim ${styles.reason}`} title={view.reason}>
                {view.reason}
              </span>
            )}
          </div>
          <section ref={stepsEnd} className={styles.scroll} aria-label="Timeline">
            <Kept load={parts.steps} wanted={!current}>
              <Steps
                view={view}
                whole={over ? feed.view : null}
                onNext={can("runNext") ? () => act("runNext") : null}
              />
            </Kept>
          </section>
          {view.steps.some((step) => step.state === "failed") && (
            <Suspense fallback={null}>
              <PlanStopped
                view={view}
                actions={drive ? possible : null}
                onAction={act}
                onRunAgain={() => again("rerun")}
              />
            </Suspense>
          )}
          {failure && (
            <div className={styles.trouble}>
              <ErrorNote error={failure} onClose={error ? () => setError(null) : null} />
            </div>
          )}
          {drive && tools && (
            <tools.ActionBar
              actions={possible}
              onAction={act}
              targets={targets}
              target={target}
              onTarget={(name) => setOnTarget({ name, of: targets.length })}
            />
          )}
          {!drive && !over && (
            <p className={styles.watching}>
              <Watching inStep={feed.inStep} />
            </p>
          )}
        </section>
        <Separator zone="stepsPx" label="Width of the steps" px={(zones ?? defaultZones).stepsPx} onSize={resize} />
        <section id="terminals" tabIndex={-1} className={`${styles.zone} ${styles.middle}`} aria-label="Terminals">
          <Terminals
            id={id}
            view={view}
            drive={drive}
            atMs={atMs}
            first={shown.terminal}
            onChoose={setTerminal}
            lastScreen={moment === null && end ? end.lastScreen : null}
            onShell={can("shell") ? () => act("shell") : null}
            onClose={may ? (terminal) => void may.close(terminal).catch(fail) : null}
          />
          {atMs !== null && (
            <ReplayBar view={feed.view} atMs={atMs} onMove={setMoment} playing={playing} onPlay={setPlaying} />
          )}
        </section>
        <Separator
          zone="inspectorPx"
          label="Width of the inspector"
          px={(zones ?? defaultZones).inspectorPx}
          onSize={resize}
        />
        <section id="inspector" tabIndex={-1} className={styles.right} aria-label="Inspector">
          <Inspector
            id={id}
            view={view}
            mine={feed.mayDrive}
            current={current}
            waits={deeper && found === null}
            tab={tab ?? (over ? "report" : "processes")}
            onTab={setTab}
            checkpoint={checkpoint}
            onCheckpoint={(name) => {
              setCheckpoint(name);
              setOffset(null);
            }}
            against={against}
            onAgainst={setAgainst}
            onRead={may?.readImage ?? null}
            offset={offset}
            onOffset={setOffset}
            onBytes={may?.readBytes ?? null}
            onStart={can("start") ? () => act("start") : null}
            onHeld={
              can("unlink")
                ? (action, path) => {
                    setPreset({ held: path });
                    setDialog(action);
                  }
                : null
            }
            restorer={restorer}
          />
        </section>
      </main>
      <footer className={styles.foot}>
        <span>{guest ? `guest ${guest.guest} ${guest.queue === null ? guest.state : "queued"}` : "no guest"}</span>
        {guest?.suspended && <span>stands still until somebody drives it</span>}
        {!over && (
          <Suspense fallback={null}>
            <Expiry endsAt={feed.idleEndsAt} onKeep={may ? () => void may.keep().catch(fail) : null} />
          </Suspense>
        )}
        <span>log {view.lastSeq} events</span>
        <Connection />
        <span className={styles.space} />
        <button type="button" className="btn quiet" onClick={help}>
          <kbd>?</kbd> shortcuts
        </button>
      </footer>
      {tools && dialog === "help" && <tools.HelpDialog view={feed.view} onClose={() => setDialog(null)} />}
      {tools && driver && dialog !== null && dialog !== "help" && (
        <tools.ActionDialog
          action={dialog}
          view={feed.view}
          target={target}
          preset={preset}
          onStep={driver.step}
          onEnd={driver.end}
          onClose={() => setDialog(null)}
        />
      )}
    </div>
  );
}

/** Before one has chosen, they depend on the window. */
function widthsNow(): Zones {
  const widthOf = (id: string) => document.getElementById(id)?.offsetWidth;
  return {
    stepsPx: widthOf("steps") ?? defaultZones.stepsPx,
    inspectorPx: widthOf("inspector") ?? defaultZones.inspectorPx,
  };
}

/** Where it stands beside the others it is in sight. */
function showInspector(): void {
  const zone = document.getElementById("inspector");
  if (zone?.offsetLeft === 0) zone.scrollIntoView();
}
