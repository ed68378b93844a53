/** What runs in the guest of a power cut: shell scripts, which say what they do a line at a time. */

export const fileSystems = ["ext4", "xfs", "btrfs", "f2fs"] as const;
export type FileSystem = (typeof fileSystems)[number];

const mkfs: Record<FileSystem, string> = {
  ext4: "mkfs.ext4 -q -F /dev/vdb",
  xfs: "mkfs.xfs -q -f /dev/vdb",
  btrfs: "mkfs.btrfs -q -f /dev/vdb",
  f2fs: "mkfs.f2fs -q -f /dev/vdb",
};

/** Looks, and does not touch. */
const fsck: Record<FileSystem, string> = {
  ext4: "e2fsck -fn /dev/vdb",
  xfs: "xfs_repair -n /dev/vdb",
  btrfs: "btrfs check --readonly /dev/vdb",
  f2fs: "fsck.f2fs --dry-run /dev/vdb",
};

export const formatScript = (fs: FileSystem): string => `set -e
${mkfs[fs]}
mkdir -p /mnt/power
mount -t ${fs} /dev/vdb /mnt/power
mkdir /mnt/power/images
umount /mnt/power
sync
`;

/** A clone has woken up with what it knew of another disk. */
const mount = (fs: FileSystem): string => `blockdev --flushbufs /dev/vdb
mkdir -p /mnt/power
mount -t ${fs} /dev/vdb /mnt/power || { echo "broken: cannot be mounted"; exit 1; }
`;

/**
 * Until the plug is pulled: a process holds an unlinked file, is checkpointed with relink and killed. Some are restored
 * and so give their names back, some images are removed and their names collected.
 */
export const workScript = (fs: FileSystem): string => `${mount(fs)}
cd /mnt/power
n=0
while :; do
  n=$((n + 1))
  echo $((20000 + n * 10)) > /proc/sys/kernel/ns_last_pid
  setsid unlinked-holder --dir /mnt/power --size $((n % 4 + 1)) --rate 200 --unlink > log.$n 2>&1 < /dev/null &
  pid=$!
  until grep -q 'inode [0-9]* size' log.$n; do sleep 0.02; done
  while [ "$(cat /proc/$pid/stat | cut -d' ' -f3)" = Z ]; do echo "broken: the holder has died"; exit 1; done
  until [ -z "$(ls /mnt/power/unlinked-holder.* 2>/dev/null)" ]; do sleep 0.02; done
  echo "start $n"
  if checkpoint -o images/$n.img --kill $pid 2> error; then echo "done $n"; else echo "broken: $(cat error)"; exit 1; fi
  wait $pid 2>/dev/null
  if [ $((n % 3)) = 0 ]; then
    echo "restore $n"
    restart -i images/$n.img --detach 2> error || { echo "broken: $(cat error)"; exit 1; }
    kill -9 $pid
    rm images/$n.img
  elif [ $((n % 5)) = 0 ]; then
    echo "collect $n"
    rm images/$n.img
    ckptinfo --gc images > /dev/null || { echo "broken: gc"; exit 1; }
  fi
done
`;

/** After the cut: every image that is there must be whole, and restore with the contents whole. */
export const checkScript = (fs: FileSystem): string => `${mount(fs)}
cd /mnt/power
for image in images/*.img; do
  [ -e "$image" ] || continue
  n=$(basename $image .img)
  ckptinfo $image > /dev/null 2> error || { echo "damaged $n $(cat error)"; continue; }
  restart -i $image --detach --pidfile pid 2> error || { echo "lost $n $(cat error)"; continue; }
  pid=$(cat pid)
  : > mark
  before=$(grep -c '^verify:' log.$n)
  kill -USR1 $pid
  for i in $(seq 3000); do
    [ "$(grep -c '^verify:' log.$n)" -gt "$before" ] && break
    sleep 0.01
  done
  echo "whole $n $(grep '^verify:' log.$n | tail -n 1)"
  kill -9 $pid
  while [ -e /proc/$pid ]; do sleep 0.01; done
done
# What was being written at the cut may be whole, but was never reported: it goes, with its names.
rm -f images/.*.img.*
ckptinfo --gc images > /dev/null || echo "broken: gc"
[ -z "$(ls -A .crlab-relink 2>/dev/null)" ] || echo "broken: names are left: $(ls -A .crlab-relink)"
cd /
umount /mnt/power || { echo "broken: cannot be unmounted"; exit 1; }
${fsck[fs]} > /tmp/fsck 2>&1
echo "fsck $?"
cat /tmp/fsck
`;
