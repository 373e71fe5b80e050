import AccessControl
import NIOCore
import NIOHTTP1
import Pipelines

/// Answers small bodies of events on the event loop and the journal's thread alone: split and normalised as the body's
/// end arrives, answered when the journal calls back. No task is started and no thread of the pool is woken, which
/// together cost more than the event itself. What is larger, chunked, compressed or wrong in its head is passed on to
/// Hummingbird, which finds the same endpoint and has the same answer.
///
/// One request of a connection has its turn at a time, whoever answers it; what arrives meanwhile is held back, and
/// nothing more is read as long as something is. So answers keep the order of the requests, and a client that sends
/// without reading holds what one read of the socket gave and not more.
final class IngestHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    struct Configuration: Sendable {
        var ingest: Ingest
        var keys: AccessKeys
        var table: EndpointTable
        var idleTimeout: TimeAmount
        let loneSender = LoneSender()

        /// Whether a POST to `path` brings events, and the pipeline that listens there.
        func route(_ path: String) -> (pipeline: Pipeline?, isIngest: Bool) {
            if path == IngestEndpoints.path { return (nil, true) }
            let pipeline = table.holds(.post, path) ? nil : ingest.pipelines.pipeline(listening: path)
            return (pipeline, pipeline != nil)
        }
    }

    /// What arrived while another request had its turn.
    private enum Held {
        case part(HTTPServerRequestPart)
        case fault(any Error)
        case inputClosed
    }

    let configuration: Configuration
    /// Writing from here on passes by the encoder.
    let encoder: ChannelHandlerContext
    let loop: any EventLoop
    var context: ChannelHandlerContext?
    var turn = RequestTurn.nobody
    var exchange: IngestExchange?
    var answers: AnswerBytes
    var origin = "http local"
    var authorization: HashedAuthorization?
    private var held = CircularBuffer<Held>()
    private var isReadHeld = false
    /// A batch was committed on the loop since the last end of a read.
    private var hasCommittedHere = false
    /// Parts went to Hummingbird since the last end of a read.
    private var hasPassedParts = false
    private(set) var isQuiescing = false
    private var lastActive = NIODeadline.now()
    private var idleCheck: Scheduled<Void>?

    init(_ configuration: Configuration, encoder: ChannelHandlerContext) {
        self.configuration = configuration
        self.encoder = encoder
        loop = encoder.eventLoop
        answers = AnswerBytes(serverName: CollectorChannel.serverName)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        configuration.loneSender.opened(on: loop)
        if context.channel.isActive { begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        configuration.loneSender.closed(on: loop)
        idleCheck?.cancel()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        if let address = context.channel.remoteAddress?.ipAddress { origin = "http \(address)" }
        lastActive = .now()
        checkIdle(context, at: lastActive + configuration.idleTimeout)
    }

    // MARK: - What arrives

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastActive = .now()
        let part = unwrapInboundIn(data)
        if isHolding { held.append(.part(part)) } else { take(part, context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        hasCommittedHere = false
        completeRead(context)
    }

    /// Whether the loop may wait for the disk: once a turn of the loop, for the only one that sends, and the loop's only connection.
    func mayCommitHere() -> Bool {
        let isAlone = configuration.loneSender.isAlone(ObjectIdentifier(self), on: loop, at: lastActive)
        guard isAlone, held.isEmpty, !hasCommittedHere else { return false }
        hasCommittedHere = true
        return true
    }

    /// Hummingbird's side takes what it got only when told that this was all for now.
    private func completeRead(_ context: ChannelHandlerContext) {
        guard hasPassedParts else { return }
        hasPassedParts = false
        context.fireChannelReadComplete()
    }

    func pass(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        hasPassedParts = true
        context.fireChannelRead(wrapInboundOut(part))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isHolding { return held.append(.fault(error)) }
        fail(error, context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed where isHolding: held.append(.inputClosed)
        case ChannelEvent.inputClosed:
            breakOff()
            endReading()
            context.fireUserInboundEventTriggered(event)
        case is ChannelShouldQuiesceEvent:
            quiesce(context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        breakOff()
        held.removeAll()
        context.fireChannelInactive()
    }

    func read(context: ChannelHandlerContext) {
        if held.isEmpty, context.channel.isWritable { context.read() } else { isReadHeld = true }
    }

    /// A client that does not read its answers gets no more of them.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { proceed(context) }
        context.fireChannelWritabilityChanged()
    }

    private var isHolding: Bool { turn.isBusy || !held.isEmpty }

    private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch (turn, part) {
        // Nobody would wait for its answer.
        case (.nobody, .head) where isQuiescing: endConnection(context)
        case (.nobody, .head(let head)): start(head, context)
        case (.reading, .body(let piece)): exchange?.add(piece)
        case (.reading, .end): commit()
        case (.passed(var request), _):
            if case .end = part {
                request.isRead = true
                turn = .passed(request)
            }
            pass(part, context)
            endPassed(context)
        case (.nobody, _), (.reading, .head), (.committing, _), (.over, _): break
        }
    }

    /// The next request has its turn.
    func proceed(_ context: ChannelHandlerContext) {
        while let next = held.first {
            guard !turn.isBusy, context.channel.isWritable else { break }
            held.removeFirst()
            switch next {
            case .part(let part): take(part, context)
            case .fault(let error): fail(error, context)
            case .inputClosed:
                breakOff()
                context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            }
        }
        completeRead(context)
        if isReadHeld, held.isEmpty, context.channel.isWritable {
            isReadHeld = false
            context.read()
        }
    }

    // MARK: - What is answered by Hummingbird

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .passed(var request) = turn else { return context.write(data, promise: promise) }
        switch unwrapOutboundIn(data) {
        case .head(var head) where isQuiescing && head.status.code >= 200:
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .head, .body: context.write(data, promise: promise)
        case .end:
            request.isAnswered = true
            turn = .passed(request)
            context.write(data, promise: promise)
            endPassed(context)
        }
    }

    private func endPassed(_ context: ChannelHandlerContext) {
        guard case .passed(let request) = turn, request.isRead || isQuiescing, request.isAnswered else { return }
        endTurn(request.isKeptAlive, context)
    }

    /// The request is answered.
    func endTurn(_ isKeptAlive: Bool, _ context: ChannelHandlerContext) {
        lastActive = .now()
        turn = .nobody
        if isKeptAlive, !isQuiescing { proceed(context) } else { endConnection(context) }
    }

    /// RFC 9112, section 9.6: says that no more comes, and waits for the client to have read what came.
    func endConnection(_ context: ChannelHandlerContext) {
        turn = .over
        held.removeAll()
        context.flush()
        context.close(mode: .output, promise: nil)
        if isQuiescing { closeSoon(context) }
        if isReadHeld { proceed(context) }
    }

    // MARK: - Stopping

    /// What a client may take to read its last answer while the server stops.
    private static let longestFarewell = TimeAmount.seconds(1)

    /// The request that has its turn is answered, and the connection ends behind it. What a client has sent beyond that
    /// is not begun: it would be stored and, when the stop runs out of time, never answered.
    private func quiesce(_ context: ChannelHandlerContext) {
        isQuiescing = true
        switch turn {
        case .passed(let request) where request.isAnswered: endConnection(context)
        case .reading, .committing, .passed: break
        case .nobody where held.isEmpty: context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        case .nobody: endConnection(context)
        case .over: closeSoon(context)
        }
    }

    /// Closing at once, with bytes unread, resets the connection and takes from the client the answers that it has not
    /// read yet (RFC 9112, section 9.6). So what it still sends is read and dropped for a while.
    private func closeSoon(_ context: ChannelHandlerContext) {
        idleCheck?.cancel()
        idleCheck = context.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: Self.longestFarewell) { [weak self] in
            self?.context?.close(promise: nil)
        }
    }

    /// What arrives is no HTTP. Between two requests there is nobody else to say so.
    private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
        if case .nobody = turn, error is HTTPParserError, context.channel.isActive {
            return refuse(Problem(400, "bad-request", "this is not a request as HTTP/1.1 wants it (\(error))"), context)
        }
        breakOff()
        endReading()
        context.fireErrorCaught(error)
    }

    /// The body that is arriving will never be whole.
    private func breakOff() {
        guard case .reading = turn else { return }
        turn = .over
        exchange?.abandon()
        exchange = nil
    }

    /// The same for a body that Hummingbird reads: its answer is the last one.
    private func endReading() {
        guard case .passed(var request) = turn, !request.isRead else { return }
        request.isRead = true
        request.isKeptAlive = false
        turn = .passed(request)
    }

    /// Closes a connection that is silent for too long, unless its request is being worked on.
    private func checkIdle(_ context: ChannelHandlerContext, at deadline: NIODeadline) {
        idleCheck = context.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(deadline: deadline) { [weak self] in
            guard let self, let context = self.context else { return }
            let now = NIODeadline.now()
            let end = (self.turn.isBusy ? now : self.lastActive) + self.configuration.idleTimeout
            if now < end { return self.checkIdle(context, at: end) }
            context.close(promise: nil)
        }
    }
}

@available(*, unavailable)
extension IngestHandler: Sendable {}
