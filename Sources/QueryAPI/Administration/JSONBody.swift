import Collectors
import EventModel
import Foundation
import Hummingbird

/// A small JSON object that somebody sends to decide something: string members only, none of them unknown. What is refused
/// is refused by the name of its member, with the reason.
struct JSONBody {
    private let members: [String: String]

    /// Far above what a decision needs.
    private static let largestBytes = 64 << 10

    /// Values are shown in lists, written into events and signed into records: a paragraph, and no document.
    private static let largestValueBytes = 1024
    /// Of a query, which may be as long as it may be in a URL.
    private static let largestQueryBytes = 8 << 10

    /// `query`: the member that is a query, if there is one.
    init(_ call: Call, known: Set<String>, query: String? = nil) async throws {
        let buffer: ByteBuffer
        do { buffer = try await call.request.body.collect(upTo: Self.largestBytes) } catch {
            throw Problem(413, "too-large", "the body must be a JSON object of at most \(Self.largestBytes) bytes")
        }
        members = try Self.members(Data(buffer.readableBytesView), known, query)
    }

    private static func members(_ data: Data, _ known: Set<String>, _ query: String?) throws(Problem) -> [String: String] {
        guard let object = try? JSONSerialization.jsonObject(with: data.isEmpty ? Data("{}".utf8) : data) as? [String: Any] else {
            throw Problem.badBody("the body must be one JSON object")
        }
        var members: [String: String] = [:]
        // In one order, so that the same body is always refused for the same member.
        for (name, value) in object.sorted(by: { $0.key < $1.key }) {
            guard known.contains(name) else {
                throw Problem.badBody(
                    "\"\(name.prefix(64))\" is no member of this body; known are \(known.sorted().joined(separator: ", "))")
            }
            if value is NSNull { continue }
            guard let text = value as? String else { throw Problem.badBody("\"\(name)\" must be a string") }
            if let fault = fault(text, largestBytes: name == query ? largestQueryBytes : largestValueBytes) {
                throw Problem.badBody("\"\(name)\" \(fault)")
            }
            // Somebody who sends a blank has nothing to say.
            if text.contains(where: { !$0.isWhitespace }) { members[name] = text }
        }
        return members
    }

    /// What is wrong with a value, whatever it stands for.
    private static func fault(_ text: String, largestBytes: Int) -> String? {
        guard text.utf8.count <= largestBytes else {
            return "must not be longer than \(largestBytes) bytes; it has \(text.utf8.count)"
        }
        // They break lines of logs and lists, or hide what stands there.
        let controls: [Unicode.GeneralCategory] = [.control, .lineSeparator, .paragraphSeparator]
        guard let control = text.unicodeScalars.first(where: { controls.contains($0.properties.generalCategory) }) else { return nil }
        let code = String(control.value, radix: 16, uppercase: true)
        return "must not hold control characters; it has U+\(String(repeating: "0", count: max(0, 4 - code.count)))\(code)"
    }

    /// `nil` where the member is missing, null or blank.
    subscript(_ name: String) -> String? { members[name] }

    func required(_ name: String) throws(Problem) -> String {
        guard let value = self[name] else { throw Problem.badBody("\"\(name)\" is required") }
        return value
    }

    /// The name of a tenant.
    func tenant() throws(Problem) -> String {
        let name = try required("tenant")
        guard TenantName.isValid(name) else { throw Problem.badBody("\"tenant\": \"\(name.prefix(64))\" is not a tenant's name") }
        return name
    }

    /// A date such as `2026-11-20`, as days since 1970.
    func day(_ name: String) throws(Problem) -> Int64? {
        guard let text = self[name] else { return nil }
        return try Self.day(text, name)
    }

    static func day(_ text: String, _ name: String) throws(Problem) -> Int64 {
        guard let day = ArchiveDay.number(text) else {
            throw Problem.badBody("\"\(name)\" must be a date such as 2026-11-20, not \"\(text.prefix(64))\"")
        }
        return day
    }
}
