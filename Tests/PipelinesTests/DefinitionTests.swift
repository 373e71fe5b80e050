import EventModel
import Foundation
import Testing

@testable import Pipelines

@Suite("Definitions")
struct DefinitionTests {
    static func load(_ yaml: String) throws -> Pipeline {
        let definition = try PipelineDefinition.read(file: "test.yaml", text: yaml)
        return try Pipeline(definition, symbols: SymbolTable(names: definition.names()))
    }

    @Test(
        "a wrong definition fails at load with file, line and key",
        arguments: [
            ("name: a\nkind: b\nstep:\n  - set: {area: x}\n", 3, "step"),
            ("kind: b\n", 1, "name"),
            ("name: A B\nkind: b\n", 1, "name"),
            ("name: a\nkind: b\nsteps:\n  - renam: {a: b}\n", 4, "renam"),
            ("name: a\nkind: b\nsteps:\n  - rename: {a: b}\n    set: {area: x}\n", 4, "rename"),
            ("name: a\nkind: b\nsteps:\n  - set: {action: dance}\n", 4, "action"),
            ("name: a\nkind: b\nsteps:\n  - rename: {a: actor.shoe}\n", 4, "a"),
            ("name: a\nkind: b\nsteps:\n  - rename: {a: seq}\n", 4, "a"),
            ("name: a\nkind: b\nsteps:\n  - rename: {\"a[].b[].c\": area}\n", 4, "a[].b[].c"),
            ("name: a\nkind: b\nsteps:\n  - rename: {\"a[].b\": \"changes[].old\"}\n", 4, "a[].b"),
            ("name: a\nkind: b\nsteps:\n  - time: {field: time, formats: [sundial]}\n", 4, "formats"),
            ("name: a\nkind: b\nsteps:\n  - classify: {field: x, rules: [{range: [9, 1], set: {area: q}}]}\n", 4, "range"),
            ("name: a\nkind: b\nsteps:\n  - match: {field: x, rules: [{pattern: \"{a}{b}\"}]}\n", 4, "pattern"),
            ("name: a\nkind: b\nsteps:\n  - match: {field: x, rules: [{pattern: \"{a...} {b...}\"}]}\n", 4, "pattern"),
            ("name: a\nkind: b\nsteps:\n  - template: {summary: \"{actor.name\"}\n", 4, "summary"),
            ("name: a\nkind: b\nsteps:\n  - set: {area: x}\n    when: {a: {is: purple}}\n", 5, "is"),
            ("name: a\nkind: b\ntests:\n  - {name: x, input: {a: 1}}\n", 4, "tests"),
            ("name: a\nname: b\nkind: c\n", 0, ""),
            ("name: [\n", 0, ""),
        ])
    func wrong(_ yaml: String, line: Int, key: String) {
        let error = #expect(throws: PipelineLoadError.self) { try Self.load(yaml) }
        #expect(error?.file == "test.yaml")
        if line > 0 { #expect(error?.line == line, "\(error!)") }
        if !key.isEmpty { #expect(error?.key == key, "\(error!)") }
        #expect(!(error?.reason.isEmpty ?? true))
    }

    /// The line that `input` becomes through a definition of these steps.
    private static func line(_ steps: String, _ input: String, text: Bool = false) throws -> String {
        let pipeline = try load(
            """
            name: demo
            kind: activity
            input: \(text ? "text" : "json")
            steps:
            \(steps)
              - default: {action: other, outcome: success, severity: low, type: demo, actor.type: user, category: x}
            """)
        return try pipeline.explain(Array(input.utf8), received: Timestamp("2026-11-20T12:00:00Z")!, tenant: "acme").result.get()
    }

    @Test("what a producer wrote is kept where a step puts something else, and only then")
    func displaced() throws {
        let steps = """
              - set: {producer.name: demo, area: a, actor.name: x}
              - map: {field: reason, values: {r: {reason: s, severity: high, labels.n: 5}}}
              - set: {area: b}
            """
        let line = try Self.line(
            steps, #"{"reason":"r","severity":"high","area":"given","labels":{"n":[1]},"producer":{"name":"mine"},"unmapped":{"area":1}}"#)
        #expect(line.contains(#""unmapped":{"area":1,"producer.name":"mine","area~2":"given","labels.n":[1]}"#), "\(line)")
        #expect(line.contains(#""area":"b""#) && line.contains(#""reason":"s""#) && line.contains(#""producer":{"name":"demo"}"#))
        #expect(try Self.line(steps, #"{"kind":"other"}"#).contains(#""unmapped":{"kind":"other"}"#))
        #expect(try !Self.line(steps, #"{"reason":"r","producer":{"name":"demo"}}"#).contains("unmapped"))
    }

    @Test(
        "a time in seconds or milliseconds is decimal",
        arguments: [
            ("1760000000.5", true), ("1.76e9", true), (#""1760000000""#, true), (#""1760000000.25""#, true), (#""-5""#, true),
            (#""0x10""#, false), (#""1e3""#, false), (#""+5""#, false), (#""nan""#, false), (#""5.""#, false), (#"".5""#, false),
            (#"" 5""#, false), (#""""#, false), (#""-""#, false),
        ])
    func unixTimes(time: String, isTaken: Bool) throws {
        for format in ["unix_seconds", "unix_milliseconds"] {
            let result = Result { try Self.line("  - time: {field: time, formats: [\(format)]}", #"{"time":\#(time)}"#) }
            let wasTaken = (try? result.get()) != nil
            #expect(wasTaken == isTaken, "\(result)")
        }
    }

    @Test(
        "a capture that takes as much as it can leaves the last fit to what stands behind it",
        arguments: [
            ("user a from 1.1.1.1 port 1 ssh2", "a", "1.1.1.1"),
            ("user a from 9.9.9.9 port 1 from 1.1.1.1 port 2 ssh2", "a from 9.9.9.9 port 1", "1.1.1.1"),
            ("user  from 9.9.9.9 port 1 ssh2 from 1.1.1.1 port 2 ssh2", " from 9.9.9.9 port 1 ssh2", "1.1.1.1"),
            ("user a from 1.1.1.1 port x y ssh2", "a", "1.1.1.1"), ("user  from 1.1.1.1 port 1 ssh2", nil, nil), ("user a from", nil, nil),
            ("user a from  port 1 ssh2", nil, nil), ("user", nil, nil), ("", nil, nil),
        ] as [(String, String?, String?)])
    func longestCapture(text: String, name: String?, address: String?) throws {
        let line = try Self.line(
            #"  - match: {field: message, rules: [{pattern: "user {actor.id...} from {source.ip} port {_} ssh2"}]}"#, text, text: true)
        let found = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect((found["actor"] as? [String: Any])?["id"] as? String == name, "\(line)")
        #expect((found["source"] as? [String: Any])?["ip"] as? String == address)
    }

    @Test("explain shows each step's effect and ends in the line that would be stored")
    func explain() throws {
        let pipeline = try Self.load(
            """
            name: demo
            kind: activity
            steps:
              - rename: {who: actor.id}
              - set: {action: create, outcome: success, severity: low, type: demo.create, actor.type: user, category: x}
            """)
        let explained = pipeline.explain(Array(#"{"tenant":"acme","who":"u1"}"#.utf8), received: Timestamp("2026-11-20T12:00:00Z")!)
        #expect(explained.steps[0].step == "rename")
        #expect(explained.steps[0].line == 4)
        #expect(explained.steps[0].effect.sorted() == [#"+ actor.id = "u1""#, #"- who = "u1""#].sorted())
        let line = try explained.result.get()
        #expect(line.hasPrefix(#"{"time":"2026-11-20T12:00:00.000Z","tenant":"acme","kind":"activity""#))
    }

    @Test("one normaliser gives the same body for the same bytes, whatever came before")
    func pure() throws {
        let set = try PipelineSet.load(folder: Repository.pipelines)
        let inputs = [
            #"{"kind":"activity","id":"1","actor":{"id":"u"},"action":"update","resource":{"type":"t","id":"9"},"x":{"y":[1,2]}}"#,
            #"{"kind":"access","actor":{"id":"u"},"action":"impersonation","impersonated":"v","source":"saml"}"#,
            #"{"kind":"webhook_failure","webhook":{"id":"w"},"url":"https://a.test/?token=1","status_code":502,"attempt":3,"error":"x"}"#,
            #"{"kind":"nope"}"#, #"{"kind":"#, #"{"kind":"activity","action":"fly","category":"c"}"#,
        ]
        let context = IngestContext(received: Timestamp("2026-11-20T12:00:00Z")!, tenant: "acme")
        func run(_ normaliser: Normaliser, _ input: String) -> String {
            var batch = NormalisedBatch()
            let rejection = Array(input.utf8).withPadding {
                normaliser.normalise($0, line: 1, pipeline: nil, context: context, into: &batch)
            }
            return rejection.map { "\($0)" } ?? String(decoding: batch.bodies, as: UTF8.self)
        }
        let alone = inputs.map { run(Normaliser(set), $0) }
        let shared = Normaliser(set)
        for _ in 0..<200 {
            let index = Int.random(in: inputs.indices)
            #expect(run(shared, inputs[index]) == alone[index])
        }
    }

    @Test("an idempotency key and line stand in for a missing original id, and only for a missing one")
    func idempotencyKey() throws {
        let set = try PipelineSet.load(folder: Repository.pipelines)
        let context = IngestContext(received: Timestamp("2026-11-20T12:00:00Z")!, tenant: "acme", idempotencyKey: "K")
        var batch = NormalisedBatch()
        let normaliser = Normaliser(set)
        for (index, json) in [#"{"kind":"activity","category":"c"}"#, #"{"kind":"activity","category":"c","id":"mine"}"#].enumerated() {
            _ = Array(json.utf8).withPadding { normaliser.normalise($0, line: index + 1, pipeline: nil, context: context, into: &batch) }
        }
        let bodies = String(decoding: batch.bodies, as: UTF8.self)
        #expect(bodies.contains(#""original_id":"K/1""#))
        #expect(bodies.contains(#""original_id":"mine""#))
        #expect(batch.events.allSatisfy { $0.identity != 0 })
        #expect(batch.events[0].identity != batch.events[1].identity)
    }

    @Test("a key bound to one tenant writes for no other")
    func allowedTenant() throws {
        let set = try PipelineSet.load(folder: Repository.pipelines)
        let context = IngestContext(received: Timestamp("2026-11-20T12:00:00Z")!, allowedTenant: "acme")
        var batch = NormalisedBatch()
        let normaliser = Normaliser(set)
        let foreign = Array(#"{"kind":"activity","category":"c","tenant":"globex"}"#.utf8).withPadding {
            normaliser.normalise($0, line: 1, pipeline: nil, context: context, into: &batch)
        }
        #expect(foreign?.code == .forbidden)
        let own = Array(#"{"kind":"activity","category":"c"}"#.utf8).withPadding {
            normaliser.normalise($0, line: 2, pipeline: nil, context: context, into: &batch)
        }
        #expect(own == nil)
        #expect(batch.tenants == ["acme"])
    }
}

@Suite("Content of an event")
struct ContentTests {
    @Test("an event without a time of its own has the same content whenever it is received")
    func contentWithoutTime() throws {
        let set = try PipelineSet.load(folder: Repository.pipelines)
        func content(_ json: String, received: String) throws -> String {
            var batch = NormalisedBatch()
            let context = IngestContext(received: Timestamp(received)!, tenant: "acme")
            _ = Array(json.utf8).withPadding { Normaliser(set).normalise($0, line: 1, pipeline: nil, context: context, into: &batch) }
            let event = try #require(batch.events.first)
            return String(decoding: batch.bodies[Int(event.offset + event.contentOffset)..<Int(event.offset + event.length)], as: UTF8.self)
        }
        let without = #"{"kind":"activity","category":"c","id":"1"}"#
        let early = try content(without, received: "2026-11-20T12:00:00Z")
        #expect(early.hasPrefix(#""tenant":"acme""#))
        #expect(try content(without, received: "2026-11-20T12:00:01Z") == early)
        let with = #"{"kind":"activity","category":"c","id":"1","time":"2026-11-20T12:00:00Z"}"#
        #expect(try content(with, received: "2026-11-20T12:00:00Z").hasPrefix(#""time":"#))
    }
}
