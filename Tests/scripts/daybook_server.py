"""Imported by the harnesses beside it: servers of the release build on folders of their own, their clock set where a harness wants it."""
import glob, json, os, pathlib, signal, subprocess, sys, time, urllib.error, urllib.parse, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
DAYBOOK = os.environ.get('DAYBOOK_EXECUTABLE') or str(ROOT / '.build/release/daybook')
# The program `faketime` would stand between us and the server.
FAKETIME = next(iter(glob.glob('/usr/lib/*/faketime/libfaketimeMT.so.1')), None)
# What a harness made, named when it fails.
kept = []
lives = []
# Done before it ends with a failure.
at_failure = []


def fail(reason):
    print('FAILED: ' + reason, file=sys.stderr)
    for life in lives: life.process.kill()
    for act in at_failure: act()
    for folder in kept: print('everything is kept in ' + str(folder), file=sys.stderr)
    sys.stdout.flush()
    os._exit(1)


def need_daybook():
    if not os.access(DAYBOOK, os.X_OK): sys.exit('There is no %s; run `make build` first.' % DAYBOOK)


def need_faketime():
    if not FAKETIME: sys.exit('libfaketime is needed: the Debian package faketime')


def own_environment(**more):
    """Without DAYBOOK_…: the server takes each of them for a setting."""
    return {k: v for k, v in os.environ.items() if not k.startswith('DAYBOOK_')} | {k: str(v) for k, v in more.items()}


class Life:
    """One start of the server. `clock` (`2026-11-20 00:01:00`, UTC) is where its clock begins; without one it has the real time.

    Under a clock that is set timed waits return at once and threads spin: no such life is measured, and it had better be short.
    """

    def __init__(self, data, clock=None, listen='127.0.0.1:0', **settings):
        self.data = pathlib.Path(data)
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / 'address').unlink(missing_ok=True)
        environment = own_environment(TZ='UTC', **settings)
        if clock:
            # Waiting must take real time.
            environment.update(LD_PRELOAD=FAKETIME, FAKETIME='@' + clock, FAKETIME_DONT_FAKE_MONOTONIC='1', DONT_FAKE_MONOTONIC='1')
        # libfaketime sets variables of its own when it is loaded first, which hides the arguments from Swift; so `env` comes first.
        with open(str(data) + '.log', 'a') as log:
            self.process = subprocess.Popen(
                ['env', DAYBOOK, 'serve', '--data', str(data), '--listen', listen, '--pipelines', str(ROOT / 'Pipelines')],
                cwd=self.data.parent, stdout=log, stderr=subprocess.STDOUT, env=environment)
        lives.append(self)
        while not (self.data / 'address').exists():
            if self.process.poll() is not None: fail('the server did not start; see %s.log' % data)
            time.sleep(0.01)
        self.url = (self.data / 'address').read_text().strip()
        self.key = (self.data / 'admin.key').read_text().strip()

    def ask(self, path, body=None, **parameters):
        """The answer's body; HTTPError for everything but success. Parameters that are lists are given several times."""
        if parameters: path += '?' + urllib.parse.urlencode(parameters, doseq=True, quote_via=urllib.parse.quote)
        request = urllib.request.Request(self.url + path, data=body, headers={'Authorization': 'Bearer ' + self.key})
        if body: request.add_header('Content-Type', 'application/x-ndjson')
        with urllib.request.urlopen(request, timeout=600) as answer: return answer.read()

    def get(self, path, **parameters):
        try: return json.loads(self.ask(path, **parameters))
        except urllib.error.HTTPError as error: fail('%s %s: %s %s' % (path, parameters, error, error.read().decode(errors='replace')[:1000]))

    def send(self, lines, at_once=5000):
        """Every line must be accepted; returns how many there were."""
        for at in range(0, len(lines), at_once):
            part = lines[at:at + at_once]
            answer = json.loads(self.ask('/v1/events', b'\n'.join(line.rstrip(b'\n') for line in part)))
            if answer['accepted'] != len(part): fail('%d of %d events were accepted: %s' % (answer['accepted'], len(part), str(answer)[:400]))
        return len(lines)

    def seal(self, day):
        """The server's last answer, or None when it died."""
        try:
            while True:
                answer = json.loads(self.ask('/v1/archives/seal', b'\n', day=day))
                if answer['state'] != 'sealing': return answer
        except (OSError, ValueError): return None

    def threads(self, name):
        tasks = '/proc/%d/task' % self.process.pid
        return [t for t in os.listdir(tasks) if open('%s/%s/comm' % (tasks, t)).read().strip() == name]

    def processor_seconds(self, *names):
        """What the threads of these names (none: all there are now) have used of the processors until now."""
        tasks = '/proc/%d/task/' % self.process.pid
        wanted = [thread for name in names for thread in self.threads(name)] if names else os.listdir(tasks)
        return sum(int(open(tasks + thread + '/schedstat').read().split()[0]) for thread in wanted) / 1e9

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait()


def daybook(*arguments):
    """Runs the executable; (exit code, what it printed, its errors)."""
    done = subprocess.run([DAYBOOK, *map(str, arguments)], capture_output=True, text=True, env=own_environment())
    return done.returncode, done.stdout, done.stderr


def verify(*arguments):
    """`daybook verify --json`: (exit code, its report)."""
    code, output, errors = daybook('verify', '--json', *arguments)
    try: return code, json.loads(output)
    except ValueError: fail('daybook verify %s: %s%s' % (' '.join(map(str, arguments)), output[-2000:], errors[-2000:]))
