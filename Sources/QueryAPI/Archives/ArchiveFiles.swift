import Archive
import Collectors
import EventModel
import HTTPTypes
import Hummingbird
import NIOCore

/// `GET /v1/archives/{tenant}/{day}/events.ndjson.gz`, `…/_manifest.json`, `…/_checkpoint`, and `/v1/archives/{tenant}/_checkpoint`
/// for the newest one there is. Files leave as they lie on the disk, in parts where `Range` asks for one.
struct ArchiveFiles: Sendable {
    let archive: Archive

    private static let partBytes = 256 << 10

    private static let types = [
        ArchiveFolder.events: "application/gzip", ArchiveFolder.manifest: "application/json",
        ArchiveFolder.checkpoint: "text/plain; charset=utf-8",
    ]

    func answer(_ call: Call) async throws -> Response {
        _ = try QueryParameters(call.request, known: [])
        let parts = (call.parameter ?? "").split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let missing = Problem.notFound("there is no archive \(call.parameter ?? ""); /v1/archives lists them")
        guard let tenant = parts.first, TenantName.isValid(tenant) else { throw missing }
        if let allowed = call.key?.tenant, tenant != allowed { throw missing }
        if parts.count == 2, parts[1] == ArchiveFolder.checkpoint { return try await newest(tenant, missing) }
        guard parts.count == 3, let day = ArchiveFolder.day(parts[1]), let type = Self.types[parts[2]] else { throw missing }
        let source: (any ByteSource)?
        do {
            source = try await Blocking.run { try archive.file(parts[2], of: tenant, day: day) }
        } catch { throw Problem(503, "unreadable", "\(error)") }
        guard let source else { throw missing }
        let name = "\(tenant)-\(parts[1])-\(parts[2].drop { $0 == "_" })"
        return try Self.response(source, type: type, name: name, range: call.request.headers[.range])
    }

    private func newest(_ tenant: String, _ missing: Problem) async throws -> Response {
        guard let note = try await Blocking.run({ try archive.newestCheckpoint(of: tenant) }) else { throw missing }
        return Response(status: 200, type: "text/plain; charset=utf-8", bytes: note)
    }

    static func response(_ source: any ByteSource, type: String, name: String, range text: String?) throws -> Response {
        var headers: HTTPFields = [
            .contentType: type, .acceptRanges: "bytes", .contentDisposition: "attachment; filename=\"\(name)\"",
        ]
        var range = 0..<source.count
        var status = HTTPResponse.Status.ok
        if let text {
            switch ByteRange(text, of: source.count) {
            case .whole: break
            case .part(let part):
                range = part
                status = .partialContent
                headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(source.count)"
            case .unsatisfiable:
                var response = Response(
                    Problem(416, "no-such-range", "there are \(source.count) bytes, so \"\(text.prefix(64))\" names none"))
                response.headers[.contentRange] = "bytes */\(source.count)"
                return response
            }
        }
        headers[.contentLength] = String(range.count)
        let body = ResponseBody(contentLength: range.count) { [range] writer in
            var at = range.lowerBound
            while at < range.upperBound {
                let part = at..<min(at + partBytes, range.upperBound)
                let bytes = try await Blocking.run { try source.read(part) }
                try await writer.write(ByteBuffer(bytes: bytes))
                at = part.upperBound
            }
            try await writer.finish(nil)
        }
        return Response(status: status, headers: headers, body: body)
    }
}

/// `Range` of RFC 9110, section 14.2: one range of bytes. Several at once may be answered with the whole (section 14.2),
/// and so is what cannot be read.
enum ByteRange: Equatable {
    case whole
    case part(Range<Int>)
    case unsatisfiable

    init(_ text: String, of count: Int) {
        guard text.hasPrefix("bytes="), !text.contains(",") else {
            self = .whole
            return
        }
        let ends = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else {
            self = .whole
            return
        }
        func number(_ text: Substring) -> Int? { text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil }
        switch (number(ends[0]), number(ends[1])) {
        case (nil, let last?) where ends[0].isEmpty && last >= 0:
            self = last == 0 || count == 0 ? .unsatisfiable : .part(max(0, count - last)..<count)
        case (let first?, nil) where ends[1].isEmpty && first >= 0: self = first < count ? .part(first..<count) : .unsatisfiable
        case (let first?, let last?) where first >= 0 && last >= first:
            self = first < count ? .part(first..<min(last, count - 1) + 1) : .unsatisfiable
        default: self = .whole
        }
    }
}
