"""Imported by the harnesses beside it: a small S3 client that signs by itself, and a way to the service that can be held up."""
import datetime, hashlib, hmac, http.client, re, select, socket, threading, urllib.parse
import xml.etree.ElementTree


class Bucket:
    """One bucket, asked in plain Signature Version 4, so that nothing of the server's own client vouches for it."""

    def __init__(self, endpoint, name, access, secret, region):
        self.host, self.name = urllib.parse.urlsplit(endpoint).netloc, name
        self.access, self.secret, self.region = access, secret, region

    def ask(self, method, key='', body=b'', **query):
        path = urllib.parse.quote('/%s/%s' % (self.name, key) if key else '/' + self.name, safe='/-._~')
        text = '&'.join('%s=%s' % (urllib.parse.quote(k, safe=''), urllib.parse.quote(v, safe='')) for k, v in sorted(query.items()))
        time, digest = datetime.datetime.now(datetime.timezone.utc).strftime('%Y%m%dT%H%M%SZ'), hashlib.sha256(body).hexdigest()
        head = {'host': self.host, 'x-amz-content-sha256': digest, 'x-amz-date': time}
        names, scope = ';'.join(head), '%s/%s/s3/aws4_request' % (time[:8], self.region)
        canonical = '\n'.join([method, path, text, *('%s:%s' % pair for pair in head.items()), '', names, digest])
        signed = '\n'.join(['AWS4-HMAC-SHA256', time, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key_bytes = ('AWS4' + self.secret).encode()
        for part in [*scope.split('/'), signed]: key_bytes = hmac.new(key_bytes, part.encode(), hashlib.sha256).digest()
        head['authorization'] = 'AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s' % (self.access, scope, names, key_bytes.hex())
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.request(method, path + ('?' + text if text else ''), body or None, head)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, data

    def get(self, key):
        status, data = self.ask('GET', key)
        return data if status == 200 else None

    def keys(self):
        found, token = [], {}
        while True:
            status, data = self.ask('GET', **{'list-type': '2', **token})
            if status != 200: raise OSError('listing answers %d: %s' % (status, data[:300]))
            root = xml.etree.ElementTree.fromstring(data)
            space = re.match(r'\{.*\}|', root.tag).group()
            found += [entry.findtext(space + 'Key') for entry in root.iter(space + 'Contents')]
            if root.findtext(space + 'IsTruncated') != 'true': return sorted(found)
            token = {'continuation-token': root.findtext(space + 'NextContinuationToken')}

    def open_uploads(self): return self.ask('GET', uploads='')[1].count(b'<UploadId>')

    def remove(self):
        """What is in it, and then the bucket. Throws nothing: it comes last, also behind a failure."""
        try:
            for key in self.keys(): self.ask('DELETE', key)
            self.ask('DELETE')
        except OSError as error: print('the bucket %s stays: %s' % (self.name, error))


class Gate:
    """Passes connections on to a service. `hold_after(bytes)` lets so many bytes more go up, and then holds all of them; it
    returns an event that is set when that has come."""

    def __init__(self, endpoint):
        parts = urllib.parse.urlsplit(endpoint)
        self.target = (parts.hostname, parts.port or 80)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.url = 'http://127.0.0.1:%d' % self.listener.getsockname()[1]
        self.limit, self.held, self.opened, self.requests = None, threading.Event(), threading.Event(), {}
        self.opened.set()
        self.down = self.up = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def hold_after(self, count):
        self.held.clear()
        self.opened.clear()
        self.limit = self.up + count
        return self.held

    def release(self):
        self.limit = None
        self.opened.set()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=[near], daemon=True).start()

    def serve(self, near):
        try:
            with near, socket.create_connection(self.target) as far:
                while True:
                    for side in select.select([near, far], [], [])[0]:
                        data = side.recv(1 << 16)
                        if not data: return
                        if side is near:
                            self.up += len(data)
                            method = re.match(rb'(GET|PUT|POST|HEAD|DELETE) ', data)
                            if method: self.requests[method[1].decode()] = self.requests.get(method[1].decode(), 0) + 1
                            if self.limit is not None and self.up > self.limit:
                                self.held.set()
                                self.opened.wait()
                        else: self.down += len(data)
                        (far if side is near else near).sendall(data)
        except OSError: pass
