// SPDX-License-Identifier: Apache-2.0
/* A python3 process with data in memory and an unlinked 64 MiB file on ext4. */
#include <unistd.h>

#include "subject.h"
#include "tap.h"

static const char script[] =
"import hashlib, os, time\n"
"data = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(20000)]\n"
"digest = hashlib.sha256(''.join(data).encode()).hexdigest()\n"
"f = open('/data/selftest-python', 'w+b')\n"
"block = hashlib.sha512(b'seed').digest() * 16384\n"
"for i in range(64): f.write(block)\n"
"f.flush()\n"
"inode = os.fstat(f.fileno()).st_ino\n"
"os.unlink('/data/selftest-python')\n"
"open('/tmp/selftest/ready', 'w').close()\n"
"while not os.path.exists('/tmp/selftest/go'): time.sleep(0.01)\n"
"def verify(good, what):\n"
"    with open('/tmp/selftest/said', 'a') as said: said.write(('+' if good else '-') + what + '\\n')\n"
"verify(hashlib.sha256(''.join(data).encode()).hexdigest() == digest, 'data in memory')\n"
"st = os.fstat(f.fileno())\n"
"verify(st.st_ino == inode and st.st_nlink == 0, 'inode %d, was %d, %d links' % (st.st_ino, inode, st.st_nlink))\n"
"f.seek(0)\n"
"verify(all(f.read(len(block)) == block for i in range(64)), 'the 64 MiB file')\n"
"open('/tmp/selftest/done', 'w').close()\n";

static void body(void)
{
	execl("/usr/bin/python3", "python3", "-c", script, NULL);
	_exit(127);
}

int main(void)
{
	need_checkpoint();
	if (access("/usr/bin/python3", X_OK) < 0)
		tap_skip_all("there is no python3");
	subject_round("python3", body);
	return tap_done();
}
