/** The cases, what CRIU makes of each, and the selftest that runs it here. */

export const measuredOn = "CRIU 4.2 on Linux 6.12.117, measured in a QEMU TCG guest";

export interface SeedCase {
  name: string;
  fs: "ext4" | "tmpfs";
  rival: string;
  /** `/usr/lib/crlab/selftests/TEST RUN FS` */
  test: string;
  run: string;
}

const otherInode = "restored, other inode number";
const ghostLimit = "refused: can't dump ghost file, increase limit (limit 1 MiB)";
const hardLink = "refused: use the link-remap option, which leaves link_remap.N in the user's directory";
const dropped = "lost: events will be dropped";

/** Name, what CRIU does on ext4 and on tmpfs, selftest, its case. */
const rows: readonly [name: string, ext4: string, tmpfs: string, test: string, run: string][] = [
  ["unlinked file, small", "restored", otherInode, "orphans", "small"],
  ["unlinked file, 4 MiB, defaults", ghostLimit, ghostLimit, "orphans", "4MiB"],
  ["sparse unlinked file, 64 MiB long", "restored, holes kept", "restored, holes kept", "orphans", "sparse"],
  ["unlinked file, another hard link left, defaults", hardLink, hardLink, "orphans", "other-link"],
  ["file in a removed directory", otherInode, otherInode, "orphans", "removed-dir"],
  ["unlinked file shared by two processes", "restored, one inode", otherInode, "orphans", "shared"],
  ["mmapped unlinked file", "restored", "restored", "orphans", "mapped"],
  ["removed working directory", "restored", "restored", "removeddirs", "cwd"],
  ["inotify: file renamed", "restored, same descriptor", "restored, same descriptor", "inotify", "file-renamed"],
  ["inotify: directory moved", "restored, same descriptor", "restored, same descriptor", "inotify", "directory-moved"],
  ["inotify: 3 unread events queued", dropped, dropped, "inotify", "events-queued"],
  [
    "inotify: watch on an unlinked open file",
    "restored, spurious IN_ATTRIB queued",
    "refused: can't find suitable path for handle",
    "inotify",
    "unlinked-open",
  ],
  [
    "inotify: next watch descriptor",
    "a used number is given again",
    "a used number is given again",
    "inotify",
    "next-descriptor",
  ],
  ["fanotify: file renamed", "restored", "restored", "fanotify", "file-renamed"],
  ["fanotify: directory moved", "restored", "restored", "fanotify", "directory-moved"],
  ["fanotify: 3 unread events queued", "lost", "lost", "fanotify", "events-queued"],
  ["fanotify: unlinked open file", "restored, spurious FAN_OPEN", "refused", "fanotify", "unlinked-open"],
];

export const seedCases: readonly SeedCase[] = rows.flatMap(([name, ext4, tmpfs, test, run]) => [
  { name, fs: "ext4", rival: ext4, test, run },
  { name, fs: "tmpfs", rival: tmpfs, test, run },
]);
