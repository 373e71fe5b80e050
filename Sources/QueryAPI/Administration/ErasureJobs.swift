import Archive
import Collectors
import EventModel
import Logging
import Synchronization

/// Erasures that were asked for since the start, one after another. They take as long as reading everything of a tenant
/// takes, so whoever asks gets a name and asks again. That it was asked for and how it ended are events of the tenant, what
/// is done is in signed records; this list ends with the process.
public final class ErasureJobs: Sendable {
    public enum State: String, Sendable { case running, done, refused, failed }

    public struct Job: Sendable {
        public var name: String
        public var tenant: String
        public var isDry: Bool
        public var begun: Timestamp
        public var ended: Timestamp?
        public var state = State.running
        /// Why it was refused or failed.
        public var problem: String?
        /// Names nobody once the job has ended.
        package var report = ErasureReport()
        /// Letters that held traces.
        public var deadLetters = 0
        /// Released legal holds whose texts held traces.
        public var holds = 0
        /// What was not searched and may hold traces, in sentences.
        public var remarks: [String] = []
    }

    /// Does the work of one job. Only the server knows all the places.
    public typealias Work = @Sendable (_ request: Request, _ job: inout Job) async throws -> Void

    public struct Request: Sendable {
        public var tenant: String
        public var actor: String?
        public var email: String?
        public var reason: String
        public var isDry: Bool
        public var name: String
    }

    private let jobs = Mutex<[Job]>([])
    private let work: Work
    private let activity: OwnActivity
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    /// Jobs that are remembered.
    private static let largestCount = 100

    public init(now: @escaping @Sendable () -> Timestamp, activity: OwnActivity, logger: Logger, work: @escaping Work) {
        self.now = now
        self.activity = activity
        self.logger = logger
        self.work = work
    }

    /// Newest first.
    public var list: [Job] { jobs.withLock { $0.reversed() } }

    public func job(_ name: String) -> Job? { jobs.withLock { jobs in jobs.first { $0.name == name } } }

    /// Begins and returns at once; `nil` while another one runs. An erasure, other than a mere look, is recorded first, and
    /// what cannot be recorded throws its ``Problem`` and is not done.
    func begin(_ request: Request, by author: OwnActivity.Author) async throws -> Job? {
        guard let job = reserve(request) else { return nil }
        do {
            try await record(job, summary: "erasure \(job.name) of a person asked for", outcome: "unknown", by: author)
        } catch {
            jobs.withLock { $0.removeAll { $0.name == job.name } }
            throw error
        }
        Task { await run(job, request, author) }
        return job
    }

    /// The place among the jobs is taken before anything is recorded, so that the log tells of no erasure that never began.
    private func reserve(_ request: Request) -> Job? {
        let job = Job(name: request.name, tenant: request.tenant, isDry: request.isDry, begun: now())
        let isFree = jobs.withLock { jobs in
            if jobs.contains(where: { $0.state == .running }) { return false }
            if jobs.count >= Self.largestCount { jobs.removeFirst() }
            jobs.append(job)
            return true
        }
        return isFree ? job : nil
    }

    private func run(_ begun: Job, _ request: Request, _ author: OwnActivity.Author) async {
        var job = begun
        do {
            try await work(request, &job)
            job.state = .done
        } catch let error as ErasureError {
            if case .held = error { job.state = .refused } else { job.state = .failed }
            job.problem = "\(error)"
        } catch {
            job.state = .failed
            job.problem = "\(error)"
        }
        job.report.person = Person()
        job.ended = now()
        do {
            try await record(job, summary: Self.summary(of: job), outcome: Self.outcome(of: job.state), by: author)
        } catch {
            job.remarks.append("How it ended could not be recorded in the tenant's log: \((error as? Problem)?.detail ?? "\(error)").")
        }
        let ended = job
        jobs.withLock { jobs in if let index = jobs.firstIndex(where: { $0.name == ended.name }) { jobs[index] = ended } }
        logger.notice(
            "erasure \(ended.state.rawValue)",
            metadata: ["erasure": "\(ended.name)", "tenant": "\(ended.tenant)", "events": "\(ended.report.total)", "dry": "\(ended.isDry)"])
    }

    // MARK: The tenant's log

    private func record(_ job: Job, summary: String, outcome: String, by author: OwnActivity.Author) async throws {
        if job.isDry { return }
        var entry = OwnActivity.Entry(tenant: job.tenant, action: "delete", target: ("erasure", job.name), summary: summary)
        entry.outcome = outcome
        try await activity.record(entry, by: author)
    }

    private static func outcome(of state: State) -> String {
        switch state {
        case .done: "success"
        case .refused: "denied"
        case .running, .failed: "failure"
        }
    }

    /// Without ``Job/problem``: that may quote what somebody wrote.
    private static func summary(of job: Job) -> String {
        let end =
            switch job.state {
            case .done: "is done: \(job.report.total) events of \(job.report.events.count) days and \(job.deadLetters) dead letters changed"
            case .refused: "was refused: a legal hold covers days with traces"
            case .running, .failed: "failed"
            }
        return "erasure \(job.name) of a person \(end)"
    }
}
