"use client";
import {
  formatBytes,
  MAX_PROGRAM_BYTES,
  type NamedError,
  namedError,
  type ProgramInfo,
  programInfo,
} from "@crlab/shared";
import { useState } from "react";
import { z } from "zod";
import { askConsole } from "../../lib/ask-console";
import { RequestError } from "../../lib/runner-socket";

const answer = z.union([z.object({ program: programInfo }), z.object({ error: namedError })]);

const refuse = (error: NamedError): never => {
  throw new RequestError(error);
};

async function upload(file: File): Promise<string> {
  if (file.size > MAX_PROGRAM_BYTES)
    refuse({
      code: "program.oversized",
      message: `${file.name} has ${formatBytes(file.size)}; at most ${formatBytes(MAX_PROGRAM_BYTES)} are taken`,
      hint: "Strip it, or leave data out that the guest can make itself.",
    });
  const sent = askConsole(`/upload?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
  const said = answer.parse(await sent);
  return "error" in said ? refuse(said.error) : said.program.id;
}

/** The step that starts it; a file that was chosen is sent first. */
export async function ownStep(form: FormData, name: string): Promise<object> {
  const file = form.get("file");
  const known = String(form.get("program") ?? "");
  const sent = file instanceof File && file.size > 0 ? await upload(file) : known;
  if (sent === "") refuse({ code: "program.none", message: "No file was chosen.", hint: "Choose one and try again." });
  const entry = String(form.get("entry") ?? "").trim();
  const args = String(form.get("args") ?? "")
    .split(/\s+/)
    .filter(Boolean);
  return { kind: "start", name, program: sent, ...(entry === "" ? {} : { entry }), args };
}

const packed = (name: string): boolean => /\.(tar|tar\.gz|tgz)$/.test(name);

/** A file of one's own, or one that was sent before. */
export function OwnProgram({
  programs,
  onRemove,
}: {
  programs: readonly ProgramInfo[];
  onRemove: (id: string) => void;
}) {
  const [known, setKnown] = useState("");
  const [fileName, setFileName] = useState("");
  const chosen = programs.find((p) => p.id === known);
  const directory = chosen ? chosen.kind.startsWith("tar") : packed(fileName);
  return (
    <>
      {programs.length > 0 && (
        <label>
          Program
          <select className="field" name="program" value={known} onChange={(e) => setKnown(e.currentTarget.value)}>
            <option value="">A new one …</option>
            {programs.map((p) => (
              <option key={p.id} value={p.id}>
                {p.name} · {p.kind} · {formatBytes(p.bytes)} · {p.id.slice(0, 8)}
              </option>
            ))}
          </select>
        </label>
      )}
      {chosen ? (
        <div>
          <button
            type="button"
            className="btn"
            onClick={() => {
              onRemove(chosen.id);
              setKnown("");
            }}
          >
            Remove {chosen.name}
          </button>
        </div>
      ) : (
        <label>
          A static x86-64 program, a script, or a directory as a tar file
          <input
            className="field"
            type="file"
            name="file"
            required
            onChange={(e) => setFileName(e.currentTarget.files?.[0]?.name ?? "")}
          />
        </label>
      )}
      {directory && (
        <label>
          Which file in it is to be started
          <input className="field mono" name="entry" required placeholder="bin/server" autoComplete="off" />
        </label>
      )}
      <label>
        Arguments
        <input className="field mono" name="args" autoComplete="off" />
      </label>
      <p className="dim">
        It runs in the guest and nowhere else. Who has this experiment’s link can run it again, and nobody sees it
        listed. Verify sends SIGUSR1 and waits for a line “verify: ok”; a program that does not catch it is left alone.
      </p>
    </>
  );
}
