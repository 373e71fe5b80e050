import EventModel
import Journal
import Pipelines

/// One body on its way in: feed it pieces, then ask for the answer.
///
/// While one slice is being committed the next is read and normalised; a third waits until the first is answered. That
/// keeps a request's events in their order, its memory at two slices, and disk and processor busy at the same time.
/// Used by one task at a time. What comes in: `+body`; what the pipelines make of it: `+normalising`; what the journal and the
/// dead letters keep: `+commit`.
public final class IngestSession {
    let ingest: Ingest
    let request: IngestRequest
    let pool: NormaliserPool
    let pipeline: Pipeline?
    let context: IngestContext
    var splitter: BodySplitter
    let inflater: Inflater?
    let envelope: CloudEventEnvelope?
    /// The body of a CloudEvent in binary mode, which is one event whatever it holds; `nil` in all other shapes.
    var whole: [UInt8]?
    var answer = IngestAnswer()
    var rejectedCodes: [Rejection.Code: UInt64] = [:]
    var letters: [DeadLetter] = []
    var letterBytes = 0
    var packedBytes = 0
    var bodyBytes = 0
    var committing: Commit?
    /// First line of the slice that is being filled.
    var sliceLine = 1
    /// All that is left of the body, split and normalised by ``take(whole:)``.
    var last: Slice?
    /// What is left of the body is answered; its letters may still wait.
    var isSettled = false

    /// A slice that the journal is working on, with what is needed once its outcomes are known.
    struct Commit {
        var task: Task<Result<Receipt, JournalError>, Never>
        var slice: Slice
    }

    /// A slice after normalising.
    struct Slice {
        var batch = NormalisedBatch()
        var rejections: [Rejection] = []
        var letters: [DeadLetter] = []
        var firstLine = 1
    }

    init(_ ingest: Ingest, _ request: IngestRequest) throws(Problem) {
        self.ingest = ingest
        self.request = request
        pool = ingest.currentPool
        pipeline = try Self.choose(request, pool.pipelines)
        context = IngestContext(
            received: request.firstReceived ?? ingest.now(), tenant: request.tenant, allowedTenant: request.allowedTenant,
            idempotencyKey: request.idempotencyKey, isReplay: request.replayedLine != nil)
        if let tenant = request.tenant, !TenantName.isValid(tenant) {
            throw .badParameter(
                "tenant=\(tenant.prefix(80)) is not a tenant's name: letters, digits, '-', '_', '.', at most \(Limits.tenantBytes)")
        }
        splitter = BodySplitter(
            framing: Self.framing(request.shape),
            recordsKey: request.shape == .json && request.replayedLine == nil ? pipeline?.recordsKey : nil,
            isContinuation: request.isContinuation)
        inflater = request.isCompressed ? Inflater() : nil
        switch request.shape {
        case .cloudEvent, .cloudEventBatch: envelope = CloudEventEnvelope(binary: nil)
        case .cloudEventBinary(let attributes):
            envelope = CloudEventEnvelope(binary: attributes)
            whole = []
        case .json, .lines, .text: envelope = nil
        }
    }

    private static func choose(_ request: IngestRequest, _ set: PipelineSet) throws(Problem) -> Pipeline? {
        guard let name = request.pipeline else {
            if request.shape == .text {
                throw Problem(415, "unknown-body-type", "lines of text need a pipeline that takes text; name it with ?pipeline=")
            }
            return nil
        }
        guard let pipeline = set.pipeline(named: name) else {
            let known = set.pipelines.map(\.name).joined(separator: ", ")
            throw .badParameter("there is no pipeline \"\(name.prefix(80))\"; there are: \(known)")
        }
        guard pipeline.takesText == (request.shape == .text) else {
            let wanted = pipeline.takesText ? "lines of text: send text/plain" : "JSON: send application/json or application/x-ndjson"
            throw Problem(415, "unknown-body-type", "the pipeline \"\(name)\" takes \(wanted)")
        }
        return pipeline
    }

    private static func framing(_ shape: IngestRequest.Shape) -> Framing {
        switch shape {
        case .json, .cloudEvent, .cloudEventBatch, .cloudEventBinary: .detect
        case .lines: .lines
        case .text: .text
        }
    }
}
