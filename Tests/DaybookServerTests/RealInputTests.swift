import Foundation
import Testing

@testable import Collectors
@testable import DaybookServer

/// Real logs through the shipped pipelines, compared with counts made from the files alone.
@Suite struct RealInputTests {
    @Test(
        "every line of a real sign-in log is stored, and failed sign-ins of an address are found", .enabled(if: SharedData.isHere("sshd")))
    func sshd() async throws {
        let server = try await TestServer()
        let text = try String(contentsOf: SharedData.folder("sshd/OpenSSH_2k.log"), encoding: .utf8)
        let lines = text.split(whereSeparator: \.isNewline)
        let answer = try await server.post("/v1/events?pipeline=sshd&tenant=ops", text, type: "text/plain")
        #expect(try answer.integer("accepted") + answer.rejections.count == lines.count)
        #expect(try answer.rejections.count == server.server.ingest.deadLetters.statistics.letters)
        let address = "173.234.31.186"
        let failed = lines.filter { $0.contains("Failed password") && $0.contains("from \(address) ") }
        #expect(!failed.isEmpty)
        let found = try await server.get("/v1/events?action=login&outcome=failure&ip=\(address)&limit=1000&order=asc").events
        #expect(found.compactMap { $0["summary"] as? String } == failed.map { $0.trimmingCharacters(in: .whitespaces) })
        let byRoot = lines.count { $0.contains("Failed password for root from") && !$0.contains("repeated") }
        #expect(
            try await server.get("/v1/counts?action=login&outcome=failure&actor=root&type=sshd.failed_password").json["total"] as? Int
                == byRoot)
        await server.close()
    }

    @Test(
        "every CloudTrail record is stored once, and what a principal did and what was denied is found",
        .enabled(if: SharedData.isHere("cloudtrail")))
    func cloudTrail() async throws {
        let server = try await TestServer()
        let files = try FileManager.default.contentsOfDirectory(at: SharedData.folder("cloudtrail"), includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "json" }
        var records: [String: [String: Any]] = [:]
        var sent = 0
        var answered = 0
        for file in files {
            let content = try Data(contentsOf: file)
            let wrapper = try #require(JSONSerialization.jsonObject(with: content) as? [String: Any])
            let list = try #require(wrapper["Records"] as? [[String: Any]])
            for record in list { records[try #require(record["eventID"] as? String)] = record }
            sent += list.count
            let answer = try await server.ask(
                .post, "/v1/cloudtrail?tenant=aws", ["Content-Type": "application/json"], body: Array(content))
            answered += try answer.integer("accepted") + answer.integer("duplicates") + answer.rejections.count
        }
        #expect(answered == sent)
        let letters = server.server.ingest.deadLetters.statistics.letters
        #expect(try await server.get("/v1/counts").json["total"] as? Int == records.count - letters)

        let denied = records.values.count { record in
            let code = record["errorCode"] as? String ?? ""
            return ["AccessDenied", "UnauthorizedOperation", "Forbidden", "NotAuthorized"].contains { code.contains($0) }
        }
        #expect(denied > 0)
        #expect(try await server.get("/v1/counts?outcome=denied").json["total"] as? Int == denied)

        let principals = Dictionary(grouping: records.values) { ($0["userIdentity"] as? [String: Any])?["arn"] as? String ?? "" }
        for (arn, own) in principals where !arn.isEmpty {
            let value = try #require(arn.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            #expect(try await server.get("/v1/counts?actor=\(value)").json["total"] as? Int == own.count, "\(arn)")
        }
        await server.close()
    }
}
