import EventModel
import Foundation
import Testing

@testable import Collectors

@Suite struct CloudEventEnvelopeTests {
    private func unwrap(_ json: String, binary: CloudEventAttributes? = nil) throws -> [String: Any] {
        let padded = try Array(json.utf8).withUnsafeBytes { try CloudEventEnvelope(binary: binary).event(in: $0) }
        return try #require(JSONSerialization.jsonObject(with: Data(padded.dropLast(Limits.parserPadding))) as? [String: Any])
    }

    @Test("attributes become fields of the event, the data its other members")
    func structured() throws {
        let event = try unwrap(
            #"{"specversion":"1.0","id":"A1","source":"/crm","type":"contact.update","time":"2026-11-20T10:00:00Z","subject":"C-9","tenant":"acme","data":{"kind":"activity","id":7,"x":[1,"}"]}}"#
        )
        #expect(event["original_id"] as? String == "A1")
        #expect((event["producer"] as? [String: Any])?["name"] as? String == "/crm")
        #expect(event["type"] as? String == "contact.update")
        #expect((event["target"] as? [String: Any])?["id"] as? String == "C-9")
        #expect(event["tenant"] as? String == "acme")
        #expect(event["kind"] as? String == "activity")
        #expect((event["cloudevent_data"] as? [String: Any])?["id"] as? Int == 7)
        #expect(event["specversion"] == nil)
    }

    @Test("the data's own target wins over the subject")
    func target() throws {
        let event = try unwrap(#"{"specversion":"1.0","id":"1","source":"s","type":"t","subject":"C","data":{"target":{"id":"T"}}}"#)
        #expect((event["target"] as? [String: Any])?["id"] as? String == "T")
    }

    @Test("data in base64 and in headers is read too")
    func otherModes() throws {
        let packed = Data(#"{"kind":"access"}"#.utf8).base64EncodedString()
        #expect(
            try unwrap(#"{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"\#(packed)"}"#)["kind"] as? String == "access"
        )
        let headers = [("ce-specversion", "1.0"), ("ce-id", "a%20b"), ("ce-source", "s"), ("ce-type", "t"), ("accept", "x")]
        let event = try unwrap(#"{"kind":"access"}"#, binary: CloudEventAttributes(headers: headers.map { (name: $0.0, value: $0.1) }))
        #expect(event["original_id"] as? String == "a b")
        #expect(event["kind"] as? String == "access")
    }

    @Test("the content type of a request in binary mode is that of the data, which may be missing")
    func contentType() throws {
        let headers = [("content-type", "text/plain"), ("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "s"), ("ce-type", "t")]
        let attributes = try #require(CloudEventAttributes(headers: headers.map { (name: $0.0, value: $0.1) }))
        #expect(try unwrap("{}", binary: attributes)["data"] as? String == "{}")
        #expect(try unwrap("", binary: attributes)["original_id"] as? String == "1")
        #expect(CloudEventAttributes(headers: [(name: "content-type", value: "text/plain")]) == nil)
    }

    @Test("a list as data is the data of one event; several values are none")
    func list() throws {
        let headers = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "s"), ("ce-type", "t")]
        let attributes = CloudEventAttributes(headers: headers.map { (name: $0.0, value: $0.1) })
        #expect(try (unwrap(#"[{"a":1},{"a":2}]"#, binary: attributes)["data"] as? [Any])?.count == 2)
        for data in ["{\"a\":1}\n{\"a\":2}", #"1,"tenant":"other""#, "[1", "1}"] {
            #expect { try unwrap(data, binary: attributes) } throws: { ($0 as? Rejection)?.field == "data" }
        }
    }

    @Test("nothing is dropped: displaced members and extensions of a name that is taken get a place of their own")
    func collisions() throws {
        let event = try unwrap(
            #"{"specversion":"1.0","id":"1","source":"s","type":"t","t\u0065nant":"acme","producer":"P","colour":"red","data":{"id":7,"colour":"blue","cloudevent_data":1,"a\"b":2}}"#
        )
        #expect(event["tenant"] as? String == "acme")
        #expect(event["colour"] as? String == "blue")
        #expect(event["cloudevent_attributes"] as? [String: String] == ["colour": "red", "producer": "P"])
        #expect(event["cloudevent_data"] as? Int == 1)
        #expect((event["cloudevent_data_2"] as? [String: Any])?["id"] as? Int == 7)
        #expect(event["a\"b"] as? Int == 2)
    }

    @Test("an attribute that stands twice is refused, also when one is written with escapes")
    func doubled() {
        for name in ["id", "i\\u0064", "colour"] {
            let json = #"{"specversion":"1.0","id":"1","colour":"red","source":"s","type":"t","\#(name)":"2"}"#
            #expect { try unwrap(json) } throws: { ($0 as? Rejection)?.code == .duplicateKey }
        }
    }

    @Test("an event of the binary mode is kept as a structured one")
    func structuredAgain() throws {
        let headers = [
            ("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "s"), ("ce-type", "t"), ("ce-time", "2026-11-20T10:00:00Z"),
        ]
        let attributes = CloudEventAttributes(headers: headers.map { (name: $0.0, value: $0.1) })
        let envelope = CloudEventEnvelope(binary: attributes)
        for data in [#"{"kind":"access","x":[1]}"#, ""] {
            let kept = String(decoding: envelope.structured(Array(data.utf8)), as: UTF8.self)
            #expect(NSDictionary(dictionary: try unwrap(kept)) == NSDictionary(dictionary: try unwrap(data, binary: attributes)))
        }
        #expect(String(decoding: envelope.structured(Array("{".utf8)), as: UTF8.self).contains(#""data_base64":"ew==""#))
    }

    @Test(
        "what is wrong names its attribute",
        arguments: [
            (#"{"id":"1","source":"s","type":"t"}"#, "specversion"),
            (#"{"specversion":"0.3","id":"1","source":"s","type":"t"}"#, "specversion"),
            (#"{"specversion":"1.0","source":"s","type":"t"}"#, "id"), (#"{"specversion":"1.0","id":"1","type":"t"}"#, "source"),
            (#"{"specversion":"1.0","id":"1","source":"s"}"#, "type"), (#"{"specversion":"1.0","id":"","source":"s","type":"t"}"#, "id"),
            (#"{"specversion":"1.0","id":"1","source":"s","type":"t","time":"yesterday"}"#, "time"),
            (#"{"specversion":"1.0","id":"1","source":"s","type":"t","data":{},"data_base64":"e30="}"#, "data_base64"),
            (#"{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"?"}"#, "data_base64"),
        ])
    func faults(json: String, field: String) {
        #expect { try unwrap(json) } throws: { ($0 as? Rejection)?.field == field }
    }
}
