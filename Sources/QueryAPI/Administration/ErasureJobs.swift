import Archive
import EventModel
import Logging
import Synchronization

/// Erasures that were asked for since the start, one after another. They take as long as reading everything of a tenant
/// takes, so whoever asks gets a name and asks again. What is done is in signed records; this list ends with the process.
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
        package var report = ErasureReport()
        public var deadLetters = 0
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
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    /// Jobs that are remembered.
    private static let largestCount = 100

    public init(now: @escaping @Sendable () -> Timestamp, logger: Logger, work: @escaping Work) {
        self.now = now
        self.logger = logger
        self.work = work
    }

    /// Newest first.
    public var list: [Job] { jobs.withLock { $0.reversed() } }

    public func job(_ name: String) -> Job? { jobs.withLock { jobs in jobs.first { $0.name == name } } }

    /// Begins; `nil` while another one runs.
    func begin(_ request: Request) -> Job? {
        let job = Job(name: request.name, tenant: request.tenant, isDry: request.isDry, begun: now())
        let isFree = jobs.withLock { jobs in
            if jobs.contains(where: { $0.state == .running }) { return false }
            if jobs.count >= Self.largestCount { jobs.removeFirst() }
            jobs.append(job)
            return true
        }
        guard isFree else { return nil }
        Task { await run(job, request) }
        return job
    }

    private func run(_ begun: Job, _ request: Request) async {
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
        job.ended = now()
        let ended = job
        jobs.withLock { jobs in if let index = jobs.firstIndex(where: { $0.name == ended.name }) { jobs[index] = ended } }
        logger.notice(
            "erasure \(ended.state.rawValue)",
            metadata: ["erasure": "\(ended.name)", "tenant": "\(ended.tenant)", "events": "\(ended.report.total)", "dry": "\(ended.isDry)"])
    }
}
