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
