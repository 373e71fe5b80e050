import Journal
import NIOCore
import NIOHTTP1

extension IngestHandler {
    /// A body up to this size is taken here: about a hundred events, half a millisecond of an event loop.
    static let largestBodyBytes = 64 << 10

    /// Gives the request its turn, here or with Hummingbird.
    func start(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let fields = HTTP1Head(head)
        if let fault = fields.fault { return refuse(fault, context) }
        // RFC 9110, section 10.1.1. curl asks so for every body above one megabyte and waits a second when nobody answers.
        if fields.expectsContinue { writeBytes(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n")) }
        if head.method == .POST, let session = open(head, fields) {
            exchange = IngestExchange(session, isKeptAlive: head.isKeepAlive)
            turn = .reading
        } else {
            turn = .passed(RequestTurn.Passed(isKeptAlive: head.isKeepAlive))
            pass(.head(head), context)
        }
    }

    /// Answers a request that cannot be read, and ends the connection: where the next one begins is not certain.
    func refuse(_ problem: Problem, _ context: ChannelHandlerContext) {
        writeBytes(answers.buffer(problem, context.channel.allocator))
        endConnection(context)
    }

    /// `nil` for everything that is not a plain small body for an ingest path; what is wrong with a head is said by the
    /// endpoint that the request is then passed on to.
    private func open(_ head: HTTPRequestHead, _ fields: HTTP1Head) -> IngestSession? {
        guard let length = fields.contentLength, length <= Self.largestBodyBytes, fields.ingest.contentEncoding == nil else { return nil }
        var ingestHead = fields.ingest
        var path = Substring(head.uri)
        if head.uri.utf8.contains(UInt8(ascii: "?")) {
            let mark = head.uri.utf8.firstIndex(of: UInt8(ascii: "?"))!
            path = head.uri[..<mark]
            let query = head.uri[head.uri.utf8.index(after: mark)...]
            ingestHead.query = String(query.prefix { $0 != "#" })
        }
        let route = configuration.route(String(path))
        guard route.isIngest else { return nil }
        guard let key = configuration.keys.check(authorization: fields.authorization, remembering: &authorization) else { return nil }
        do throws(Problem) {
            let request = try ingestHead.request(listening: route.pipeline, key: key, origin: origin)
            return try configuration.ingest.session(request)
        } catch { return nil }
    }

    /// The body is whole.
    func commit() {
        guard let exchange else { return }
        turn = .committing
        let loop = loop
        let handler = NIOLoopBound(self, eventLoop: loop)
        switch exchange.session.take(whole: exchange.body) {
        case .append(let batch):
            let journal = configuration.ingest.journal
            if mayCommitHere(), let outcome = journal.appendHere(batch) { return settle(outcome) }
            journal.append(batch) { outcome in
                loop.execute { handler.value.settle(outcome) }
            }
        case .feed(let start):
            finish(exchange, from: start, handler, loop)
        }
    }

    private func settle(_ outcome: Result<Receipt, JournalError>) {
        guard let exchange else { return }
        if let answer = exchange.session.settle(outcome) { return respond(answer) }
        finish(exchange, from: exchange.body.readableBytes, NIOLoopBound(self, eventLoop: loop), loop)
    }

    /// What may wait or take long is done by a task.
    private func finish(_ exchange: IngestExchange, from start: Int, _ handler: NIOLoopBound<IngestHandler>, _ loop: any EventLoop) {
        let session = exchange.transferred
        let body = exchange.body
        Task {
            _ = await session.value.feed(body, from: start)
            let answer = await session.value.finish()
            loop.execute { handler.value.respond(answer) }
        }
    }

    private func respond(_ answer: IngestAnswer) {
        let isKeptAlive = exchange?.isKeptAlive ?? false
        exchange = nil
        // Whoever sent this is gone; it is committed and counted all the same.
        guard let context, context.channel.isActive else { return }
        let bytes = answers.buffer(answer, isLast: isQuiescing, context.channel.allocator)
        guard !isQuiescing else { return respondLast(bytes, isKeptAlive, context) }
        writeBytes(bytes)
        endTurn(isKeptAlive, context)
    }

    /// Closing a connection drops what was not written to it yet, so this waits for the socket.
    private func respondLast(_ bytes: ByteBuffer, _ isKeptAlive: Bool, _ context: ChannelHandlerContext) {
        let written = loop.makePromise(of: Void.self)
        let handler = NIOLoopBound((self, context), eventLoop: loop)
        written.futureResult.whenSuccess { handler.value.0.endTurn(isKeptAlive, handler.value.1) }
        writeBytes(bytes, written)
    }

    private func writeBytes(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>? = nil) {
        encoder.writeAndFlush(NIOAny(IOData.byteBuffer(bytes)), promise: promise)
    }
}
