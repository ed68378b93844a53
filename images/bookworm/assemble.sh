#!/bin/sh
# Puts a guest image together: Debian's root, the files that stand beside this script, the lab's own programs.
# Runs as root or under fakeroot.
#   assemble.sh ROOT.tar OUTPUT.ext4 UUID SIZE_MIB BUILD_DIR MAKE_FOLDER...
set -eu
root_tar=$1 output=$2 uuid=$3 size_mib=$4 build=$5
shift 5

here=$(dirname "$0")
root=$(mktemp -d "$output.root.XXXXXX")
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
tar --extract --file "$root_tar" --directory "$root" --numeric-owner --preserve-permissions

install -d -m 755 "$root/ckpt"
install -d -m 1777 "$root/data"
echo crlab > "$root/etc/hostname"
printf '127.0.0.1 localhost crlab\n::1 localhost\n' > "$root/etc/hosts"
rm -f "$root/etc/resolv.conf" "$root/etc/machine-id"
: > "$root/etc/machine-id"
: > "$root/etc/fstab"
sed -i 's/^root:[^:]*:/root::/' "$root/etc/shadow"
if [ -d "$here/files" ]; then cp -R --preserve=mode "$here/files/." "$root/"; fi

for folder; do
	make -C "$folder" BUILD="$build/$(echo "$folder" | tr -c 'A-Za-z0-9\n' _)" DESTDIR="$root" install
done

# No lazy initialisation: the guest would do it, in the middle of a measurement.
mke2fs -q -F -t ext4 -L crlab -U "$uuid" -m 0 -J size=32 -E "lazy_itable_init=0,lazy_journal_init=0,hash_seed=$uuid" \
	-d "$root" "$output" "${size_mib}M"
