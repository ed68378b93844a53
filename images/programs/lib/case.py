# SPDX-License-Identifier: Apache-2.0
"""What the cases in Python have in common. Files stand in WORK, on the disk, so that they outlive a reboot."""
import ctypes, fcntl, os, pty, shutil, signal, socket, struct, subprocess, sys, termios, threading, time

STATE, WORK = "/tmp/selftest", "/data/program"
PR_SET_CHILD_SUBREAPER = 36

def begin():
    # Daemons stay in the tree.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK + "/tmp")
    os.chmod(WORK, 0o777)
    os.chmod(WORK + "/tmp", 0o1777)
    os.chdir(WORK)
    os.environ.update(HOME=WORK, TMPDIR=WORK + "/tmp", LC_ALL="C.UTF-8")

def own_shm():
    """What is kept in /dev/shm belongs to the tree, in a mount namespace of its own, and outlives a reboot in the image."""
    libc = ctypes.CDLL(None)
    if libc.unshare(0x20000) or libc.mount(None, b"/", None, 0x44000, None) or libc.mount(b"shm", b"/dev/shm", b"tmpfs", 6, None):
        said(False, "no /dev/shm of its own")

def ready():
    open(STATE + "/ready", "w").close()

def told():
    return os.path.exists(STATE + "/go")

def wait_for_go():
    while not told():
        time.sleep(0.02)

def said(good, text):
    with open(STATE + "/said", "a") as f:
        f.write(("+" if good else "-") + " ".join(str(text).split()) + "\n")

def end():
    open(STATE + "/done", "w").close()
    sys.exit(0)

def excepted(kind, error, trace):
    said(False, "line %d: %s: %s" % (trace.tb_lineno, kind.__name__, error))

sys.excepthook = excepted

def until(what, condition, patience_s=100):
    last = time.time() + patience_s
    while not condition():
        if time.time() > last:
            said(False, "waited in vain: " + what)
            end()
        time.sleep(0.02)

def start(*argv, **more):
    log = open(WORK + "/" + os.path.basename(argv[0]) + ".log", "ab")
    more.setdefault("stdout", log)
    more.setdefault("stderr", log)
    more.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(argv, **more)

def run(*argv, **more):
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **more)
    return r.returncode, r.stdout.decode(errors="replace")

def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False

def write(name, text):
    with open(name, "w") as f:
        f.write(text)

class Line:
    """A connection that speaks in lines."""
    def __init__(self, address):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.connect(address)
        self.file = self.sock.makefile("rb")
    def send(self, text):
        self.sock.sendall(text.encode())
    def read(self):
        return self.file.readline().decode(errors="replace").rstrip("\r\n")
    def ask(self, text):
        self.send(text)
        return self.read()
    def close(self):
        self.file.close()
        self.sock.close()

class Terminal:
    """A program on a terminal of its own; what it puts out is kept."""
    def __init__(self, *argv, rows=24, columns=80):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.seen = bytearray()
        self.p = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                  preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        threading.Thread(target=self.drain, daemon=True).start()
    def drain(self):
        try:
            while data := os.read(self.master, 4096):
                self.seen.extend(data)
        except OSError:
            pass
    def type(self, text):
        os.write(self.master, text.encode())
    def shows(self, text):
        return text.encode() in self.seen
    def wait(self):
        return self.p.wait(60)

class Talk(Terminal):
    """An interpreter that counts: @step makes it say <1>, <2> and so on."""
    def __init__(self, argv, first, step, last):
        self.argv, self.step, self.last = argv, step, last
        super().__init__(*argv)
        self.type(first + "\n")
    def ask(self, n):
        self.type(self.step + "\n")
        until("%s says <%d>" % (self.argv[0], n), lambda: self.shows("<%d>" % n))
    def end(self):
        self.type(self.last + "\n")
        return self.wait()

def all_talk(talks):
    n = 1
    for talk in talks:
        talk.ask(n)
    ready()
    while not told():
        n += 1
        for talk in talks:
            talk.ask(n)
        time.sleep(0.03)
    for talk in talks:
        said(talk.end() == 0, "%s has counted to %d, and ends" % (talk.argv[0], n))

class Download:
    """Reads an answer of HTTP, a little at a time until told."""
    def __init__(self, port, path):
        self.line = Line(("127.0.0.1", port))
        self.line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
        self.line.send("GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n" % path)
        self.status = self.line.read()
        while self.line.read():
            pass
        self.data = b""
    def some(self):
        self.data += self.line.file.read1(4096)
    def rest(self):
        while more := self.line.file.read(65536):
            self.data += more
        return self.data

def slowly(download):
    ready()
    while not told():
        download.some()
        time.sleep(0.05)
    return download.rest()

BLOB = None
def blob(name, size=4 << 20):
    global BLOB
    BLOB = os.urandom(1 << 16) * (size >> 16)
    with open(name, "wb") as f:
        f.write(BLOB)
    os.chmod(name, 0o644)
    return BLOB
