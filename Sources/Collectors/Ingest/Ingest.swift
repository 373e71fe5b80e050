import EventModel
import Journal
import Pipelines
import Synchronization

/// The way from bytes to the journal that every collector shares: HTTP requests, tailed files and replayed dead letters
/// differ only in who feeds the bytes.
///
/// It knows nothing of HTTP: a collector opens a session, feeds pieces of a body and gets an ``IngestAnswer``.
public final class Ingest: Sendable {
    let journal: Journal
    public let deadLetters: DeadLetterLog
    let now: @Sendable () -> Timestamp
    /// A slice is half a MiB of a body and about as much again once it is normalised.
    let permits = SlicePermits(16)
    private let pool: Mutex<NormaliserPool>
    private let counters = Mutex(IngestStatistics())

    public init(journal: Journal, pipelines: PipelineSet, deadLetters: DeadLetterLog, now: @escaping @Sendable () -> Timestamp) {
        self.journal = journal
        self.deadLetters = deadLetters
        self.now = now
        pool = Mutex(NormaliserPool(pipelines))
    }

    public var pipelines: PipelineSet { currentPool.pipelines }
    public var statistics: IngestStatistics { counters.withLock { $0 } }

    var currentPool: NormaliserPool { pool.withLock { $0 } }

    /// From now on new requests go through these; requests under way end with the ones they began with.
    public func use(_ pipelines: PipelineSet) {
        let fresh = NormaliserPool(pipelines)
        pool.withLock { $0 = fresh }
    }

    public func session(_ request: IngestRequest) throws(Problem) -> IngestSession {
        try IngestSession(self, request)
    }

    /// A whole body at once.
    public func take(_ body: [UInt8], _ request: IngestRequest) async -> IngestAnswer {
        let session: IngestSession
        do throws(Problem) { session = try self.session(request) } catch {
            var answer = IngestAnswer()
            answer.problem = error
            return answer
        }
        _ = await session.feed(body)
        return await session.finish()
    }

    /// Commits a slice and gives its permit back.
    func append(_ batch: NormalisedBatch) async -> Result<Receipt, JournalError> {
        defer { permits.giveBack() }
        do throws(JournalError) { return .success(try await journal.append(batch)) } catch { return .failure(error) }
    }

    func count(_ answer: IngestAnswer, rejected: [Rejection.Code: UInt64], bytes: Int) {
        counters.withLock { $0.add(answer, rejected: rejected, bytes: bytes) }
    }
}
