import CLinux
import Foundation

/// Sends a file's events over many connections from one thread, with epoll. It shares its cores with the server, so
/// everything that could be done before is: bodies are slices of a mapped file, heads are rendered once, and of each
/// answer only the counts are looked at.
struct LoadDriver {
    private let plan: LoadPlan
    private let file: EventFile
    private let poller: Int32
    private var connections: [LoadConnection] = []
    private var next = 0
    private var result = LoadResult()
    private var startedAt: UInt64 = 0
    private var stopAt: UInt64 = .max
    private var busy = 0

    /// Longest wait that a `Retry-After` is granted here: the figures should show a server's overload, not sleep it away.
    private static let longestDeferral: UInt64 = 1_000_000_000

    init(_ plan: LoadPlan, file: EventFile) throws {
        self.plan = plan
        self.file = file
        poller = epoll_create1(Int32(EPOLL_CLOEXEC))
        for index in 0..<plan.connections {
            connections.append(try LoadConnection(plan))
            watch(index, EPOLL_CTL_ADD, writing: false)
        }
    }

    mutating func run(_ progress: (Int) -> Void) throws -> LoadResult {
        defer {
            for connection in connections { close(connection.descriptor) }
            close(poller)
        }
        startedAt = Self.now()
        if let seconds = plan.seconds { stopAt = startedAt + UInt64(seconds * 1e9) }
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
        defer { scratch.deallocate() }
        var ready = [epoll_event](repeating: epoll_event(), count: max(16, plan.connections))
        for index in connections.indices { try startNext(index) }
        while busy > 0 || hasMore {
            let count = waitForAnswers(&ready)
            for event in ready.prefix(max(0, count)) {
                let index = Int(event.data.u32)
                if event.events & EPOLLOUT.rawValue != 0 { try write(index) }
                if event.events & ~EPOLLOUT.rawValue != 0, try connections[index].read(scratch) { try answered(index) }
            }
            try resume()
            progress(result.events)
        }
        result.seconds = Double(Self.now() - startedAt) / 1e9
        return result
    }

    /// A single connection is asked over and over for a millisecond before the thread sleeps: waking a thread on a processor
    /// that fell asleep takes some 25 µs, which would be counted to the server.
    private func waitForAnswers(_ ready: inout [epoll_event]) -> Int {
        if plan.connections == 1, busy > 0 {
            let sleepAt = Self.now() + 1_000_000
            while Self.now() < sleepAt {
                let count = epoll_wait(poller, &ready, Int32(ready.count), 0)
                if count > 0 { return Int(count) }
            }
        }
        return Int(epoll_wait(poller, &ready, Int32(ready.count), timeout()))
    }

    private var sentEvents = 0
    private var hasMore: Bool { next < file.bytes.count && sentEvents < plan.events && Self.now() < stopAt }

    /// When the next batch should leave, by the wanted rate.
    private var dueAt: UInt64 { plan.rate == 0 ? 0 : startedAt + UInt64(Double(sentEvents) / Double(plan.rate) * 1e9) }

    private mutating func startNext(_ index: Int) throws {
        guard !connections[index].isBusy, hasMore else { return }
        let now = Self.now()
        let due = dueAt
        guard due <= now else { return }
        let slice = file.lines(from: next, count: min(plan.batch, plan.events - sentEvents))
        next = slice.range.upperBound
        sentEvents += slice.lines
        busy += 1
        connections[index].begin(body: slice.range, events: slice.lines, dueAt: due == 0 ? now : due)
        try write(index)
    }

    private mutating func write(_ index: Int) throws {
        let complete = try connections[index].write(file.bytes)
        watch(index, EPOLL_CTL_MOD, writing: !complete)
    }

    private mutating func answered(_ index: Int) throws {
        let answer = connections[index].answer
        switch answer.status {
        case 200, 207: break
        case 429, 503:
            result.deferred += 1
            let wait = min(Self.longestDeferral, UInt64(answer.retryAfterSeconds ?? 0) * 1_000_000_000)
            connections[index].resumeAt = Self.now() + max(wait, 10_000_000)
            return
        default:
            throw CommandFailure("The server answered \(answer.status): \(String(decoding: answer.body.prefix(500), as: UTF8.self))")
        }
        let connection = connections[index]
        result.latency.record(min(120_000_000, (Self.now() - connection.dueAt) / 1000))
        result.requests += 1
        result.events += connection.events
        result.bytes += connection.body.count
        result.accepted += answer.count("\"accepted\":")
        result.duplicates += answer.count("\"duplicates\":")
        connections[index].finish()
        busy -= 1
        if answer.closes {
            try connections[index].reconnect(plan)
            watch(index, EPOLL_CTL_ADD, writing: false)
        }
        try startNext(index)
    }

    /// Starts what has become due: deferred requests, and idle connections when there is a rate.
    private mutating func resume() throws {
        guard plan.rate > 0 || result.deferred > 0 else { return }
        let now = Self.now()
        for index in connections.indices {
            if connections[index].resumeAt > 0, connections[index].resumeAt <= now {
                connections[index].repeatRequest()
                try write(index)
            }
            try startNext(index)
        }
    }

    /// Milliseconds; short where a rate has to be kept.
    private func timeout() -> Int32 {
        guard plan.rate > 0, hasMore else { return result.deferred > 0 ? 10 : 1000 }
        let now = Self.now()
        return dueAt > now ? Int32(min(1000, (dueAt - now) / 1_000_000 + 1)) : busy == connections.count ? 10 : 0
    }

    private func watch(_ index: Int, _ operation: Int32, writing: Bool) {
        let interest = EPOLLIN.rawValue | (writing ? EPOLLOUT.rawValue : 0)
        var event = epoll_event(events: interest, data: epoll_data_t(u32: UInt32(index)))
        epoll_ctl(poller, operation, connections[index].descriptor, &event)
    }

    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
