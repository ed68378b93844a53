/** Debian packages the lab needs, and which of them are not there. Plain Node: it runs before anything is installed. */
import { existsSync } from "node:fs";

/** By what they are needed for; each command asks for its own groups. */
export const packages = {
  build: [
    "linux-source-6.12",
    "gcc",
    "make",
    "libc6-dev",
    "musl-tools",
    "flex",
    "bison",
    "bc",
    "libelf-dev",
    "libssl-dev",
    "cpio",
    "patch",
    "xz-utils",
    "zstd",
    "ccache",
    "mmdebstrap",
    "e2fsprogs",
    "util-linux",
  ],
  /** Without root, image building needs these too. */
  unprivileged: ["fakeroot", "uidmap"],
  guests: ["qemu-system-x86", "qemu-utils"],
  test: ["chromium", "git"],
  lint: ["sparse", "perl"],
};

const isRoot = process.getuid?.() === 0;

/** The packages of the groups that are not installed; dpkg's own lists are asked, which takes a millisecond. */
export function missingPackages(groups) {
  const wanted = [...groups, ...(isRoot ? [] : ["unprivileged"])].flatMap((group) => packages[group]);
  const arch = { x64: "amd64", arm64: "arm64" }[process.arch] ?? process.arch;
  return wanted.filter((name) =>
    [`${name}.md5sums`, `${name}:${arch}.md5sums`].every((file) => !existsSync(`/var/lib/dpkg/info/${file}`)),
  );
}
