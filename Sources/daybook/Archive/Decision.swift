import DaybookClient

/// One decision sent to the server, and what it answers.
enum Decision {
    /// Members that are `nil` are left out.
    static func body(_ members: [(String, String?)]) -> [UInt8] {
        let written = members.compactMap { name, value in value.map { "\(JSONWriter.quoted(name)):\(JSONWriter.quoted($0))" } }
        return Array("{\(written.joined(separator: ","))}".utf8)
    }

    static func send(_ request: HTTPRequest, _ client: DaybookClient) async throws -> JSONText {
        let answer = try await client.send(request)
        guard let json = JSONText(answer.body) else { throw DaybookError.unreadable(url: answer.url, reason: "its answer is no JSON") }
        return json
    }

    static func print(_ json: JSONText) { StandardOutput.write(Array(json.bytes) + [UInt8(ascii: "\n")]) }
}
