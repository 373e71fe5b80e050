import Archive
import Collectors
import Dispatch
import EventModel
import Hummingbird

/// Inclusion proofs of many events of one day.
extension RetrievalEndpoints {
    /// As many as an answer may hold; each takes some thousand bytes until it is sent.
    private static let largestCount = 2000
    /// Proofs that are written at once.
    private static let partCount = 64
    /// Proofs that are made in one turn: a tenth of a second, where each lies in a block of its own.
    private static let turnCount = 256
    /// One turn after another, so that proofs take one core at most. A day that has to be read first is read in many turns,
    /// and what others ask for comes between them.
    private static let queue = DispatchQueue(label: "daybook.proofs")

    private static func turn<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in queue.async { continuation.resume(with: Result { try work() }) } }
    }

    func proofs(_ day: Int64, _ retrieval: RecordedRetrievals.Entry, _ call: Call) async throws -> Response {
        _ = try QueryParameters(call.request, known: [])
        let ids = try await Self.ids(call)
        var found = [Result<LogProof, ProvingError>?](repeating: nil, count: ids.count)
        do {
            let prover = try await Self.turn { [archive] in try archive.prover(of: retrieval.tenant, day: day) }
            while try await Self.turn({ try prover.advance() }) { try Task.checkCancellation() }
            // As they lie in the day, so that few blocks are inflated in two turns.
            let order = ids.indices.sorted { ids[$0].position < ids[$1].position }
            for start in stride(from: 0, to: order.count, by: Self.turnCount) {
                let part = order[start..<min(start + Self.turnCount, order.count)]
                let proven = try await Self.turn { try prover.outcomes(of: part.map { ids[$0] }) }
                for (index, outcome) in zip(part, proven) { found[index] = outcome }
            }
        } catch let error as ProvingError { throw Problem(409, "not-provable", error.description) }
        let outcomes = found.compactMap(\.self)
        let body = ResponseBody { writer in
            for start in stride(from: 0, to: ids.count, by: Self.partCount) {
                var part: [UInt8] = []
                for index in start..<min(start + Self.partCount, ids.count) { part += Self.line(ids[index], outcomes[index]) }
                try await writer.write(ByteBuffer(bytes: part))
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "application/x-ndjson"], body: body)
    }

    private static func ids(_ call: Call) async throws -> [EventID] {
        let largest = largestCount * (EventID.textLength + 1)
        let tooMany = Problem(413, "too-large", "at most \(largestCount) ids are proven at once, one a line")
        let buffer: ByteBuffer
        do { buffer = try await call.request.body.collect(upTo: largest) } catch { throw tooMany }
        let lines = String(buffer: buffer).split(separator: "\n")
        guard lines.count <= largestCount else { throw tooMany }
        guard !lines.isEmpty else { throw Problem.badBody("the body must hold ids of events, one a line") }
        return try lines.map { line in
            guard let id = EventID(String(line)) else { throw Problem.badBody("\"\(line.prefix(64))\" is no event's id") }
            return id
        }
    }

    private static func line(_ id: EventID, _ result: Result<LogProof, ProvingError>) -> [UInt8] {
        var json = JSONBytes()
        json.object { json in
            json.member("id", id.description)
            switch result {
            case .success(let proof): json.member("proof", String(decoding: proof.encoded(), as: UTF8.self))
            case .failure(let error):
                json.member("problem", error.description)
                if error.isDamage { json.member("damaged", true) }
            }
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }
}
