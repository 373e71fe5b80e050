import EventModel
import Foundation
import Testing

@testable import Pipelines

enum Repository {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static var pipelines: String { folder.appendingPathComponent("Pipelines").path }
    static var sharedData: URL { folder.deletingLastPathComponent().appendingPathComponent("shared/data") }
    static var hasSharedData: Bool { FileManager.default.fileExists(atPath: sharedData.path) }
}

@Suite("Shipped pipelines")
struct ShippedPipelinesTests {
    @Test("every definition passes its own tests")
    func ownTests() throws {
        let set = try PipelineSet.load(folder: Repository.pipelines)
        #expect(set.pipelines.count >= 6)
        for pipeline in set.pipelines {
            let results = pipeline.runTests()
            #expect(!results.isEmpty, "\(pipeline.name) has no tests")
            for result in results where !result.passed {
                Issue.record("\(pipeline.name), \(result.name) (line \(result.line)):\n\(result.difference ?? "")")
            }
        }
    }

    @Test(
        "every CloudTrail record becomes an event, and the counts of denied calls and of each principal agree",
        .enabled(if: Repository.hasSharedData, "../shared/data is not here"))
    func cloudTrail() throws {
        let set = try PipelineSet.load(folder: Repository.pipelines)
        let pipeline = try #require(set.pipeline(named: "cloudtrail"))
        let normaliser = Normaliser(set)
        let context = IngestContext(received: Timestamp("2026-11-20T12:00:00Z")!, tenant: "aws")
        var denied = 0
        var byPrincipal: [String: Int] = [:]
        var expectedDenied = 0
        var expectedByPrincipal: [String: Int] = [:]
        let folder = Repository.sharedData.appendingPathComponent("cloudtrail")
        var seen = 0
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        where file.pathExtension == "json" {
            let document = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
            for record in try #require(document["Records"] as? [[String: Any]]) {
                seen += 1
                let code = record["errorCode"] as? String ?? ""
                if code.contains("AccessDenied") || code.contains("UnauthorizedOperation") { expectedDenied += 1 }
                let identity = try #require(record["userIdentity"] as? [String: Any])
                expectedByPrincipal[identity["arn"] as? String ?? identity["invokedBy"] as? String ?? "", default: 0] += 1
                var batch = NormalisedBatch()
                let raw = Array(try JSONSerialization.data(withJSONObject: record))
                let rejection = raw.withPadding { normaliser.normalise($0, line: 1, pipeline: pipeline, context: context, into: &batch) }
                #expect(rejection == nil)
                let event = try Self.event(batch)
                if event["outcome"] as? String == "denied" { denied += 1 }
                byPrincipal[(event["actor"] as? [String: Any])?["id"] as? String ?? "", default: 0] += 1
                #expect(event["original_id"] as? String == record["eventID"] as? String)
            }
        }
        #expect(seen == 1233)
        #expect(denied == expectedDenied)
        #expect(byPrincipal == expectedByPrincipal)
    }

    @Test("every sshd line becomes an event", .enabled(if: Repository.hasSharedData, "../shared/data is not here"))
    func sshd() throws {
        let set = try PipelineSet.load(folder: Repository.pipelines)
        let pipeline = try #require(set.pipeline(named: "sshd"))
        let normaliser = Normaliser(set)
        let context = IngestContext(received: Timestamp("2026-11-20T12:00:00Z")!, tenant: "ops")
        let text = try String(contentsOf: Repository.sharedData.appendingPathComponent("sshd/OpenSSH_2k.log"), encoding: .utf8)
        var unclassified: [String] = []
        var failed = 0
        var expected = 0
        for line in text.split(whereSeparator: \.isNewline) {
            var batch = NormalisedBatch()
            let rejection = Array(line.utf8).withPadding {
                normaliser.normalise($0, line: 1, pipeline: pipeline, context: context, into: &batch)
            }
            #expect(rejection == nil, "\(line)")
            let event = try Self.event(batch)
            if event["type"] as? String == "sshd.other" { unclassified.append(String(line)) }
            let isFromThere = (event["source"] as? [String: Any])?["ip"] as? String == "173.234.31.186"
            if isFromThere, event["action"] as? String == "login", event["outcome"] as? String == "failure" { failed += 1 }
            if line.contains("]: Failed "), line.contains("from 173.234.31.186 ") { expected += 1 }
            #expect(event["summary"] as? String == String(line))
        }
        #expect(unclassified.isEmpty, "\(unclassified)")
        #expect(expected > 0)
        #expect(failed == expected)
    }

    static func event(_ batch: NormalisedBatch) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data([UInt8(ascii: "{")] + batch.bodies)) as? [String: Any])
    }
}
