/** How QEMU is kept small: another user, no privileges to gain, dead as soon as its parent is. */
import { statSync } from "node:fs";

/** An id that owns nothing on the host. */
export const QEMU_UID = 64355;

/** System calls QEMU has no business with. */
export const SECCOMP = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/** The command that becomes QEMU after giving up what QEMU does not need. */
export function setprivCommand(isRoot: boolean): string[] {
  const common = ["setpriv", "--no-new-privs", "--pdeathsig", "KILL"];
  if (!isRoot) return common;
  const kvm = kvmGroup();
  const groups = kvm === undefined ? ["--clear-groups"] : ["--groups", `${kvm}`];
  return [
    ...common,
    "--reuid",
    `${QEMU_UID}`,
    "--regid",
    `${QEMU_UID}`,
    ...groups,
    "--bounding-set=-all",
    "--inh-caps=-all",
  ];
}

/** The group that may use /dev/kvm, if it is not everybody's or root's. */
function kvmGroup(): number | undefined {
  try {
    const { gid } = statSync("/dev/kvm");
    return gid === 0 ? undefined : gid;
  } catch {
    return undefined;
  }
}
