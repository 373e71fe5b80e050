import EventModel
import Testing

@testable import Collectors

/// What a body was cut into: the text of each event, or its fault.
private func split(_ body: [UInt8], framing: Framing = .detect, recordsKey: String? = nil, pieces: Int = .max) throws -> [(
    line: Int, text: String, fault: String?
)] {
    var splitter = BodySplitter(framing: framing, recordsKey: recordsKey)
    var found: [(Int, String, String?)] = []
    func drain(_ splitter: inout BodySplitter) {
        for event in splitter.events {
            found.append((event.line, String(decoding: splitter.bytes(of: event), as: UTF8.self), event.fault?.message))
        }
        splitter.releaseSlice()
    }
    var at = 0
    while at < body.count {
        let end = min(body.count, at.addingReportingOverflow(pieces).partialValue < at ? body.count : at + min(pieces, body.count))
        at += try body[at..<end].withUnsafeBytes { try splitter.feed($0) }
        if splitter.isFull { drain(&splitter) }
    }
    var isMore = true
    while isMore {
        try splitter.finish()
        isMore = splitter.isFull
        drain(&splitter)
    }
    return found
}

private func texts(_ body: String, framing: Framing = .detect, recordsKey: String? = nil, pieces: Int = .max) throws -> [String] {
    try split(Array(body.utf8), framing: framing, recordsKey: recordsKey, pieces: pieces).map(\.text)
}

@Suite struct BodySplitterTests {
    @Test("lines keep their numbers: blank ones count, CRLF and a missing last newline do not matter")
    func lines() throws {
        let found = try split(Array("{\"a\":1}\r\n\n  \n{\"b\":2}".utf8), framing: .lines)
        #expect(found.map(\.line) == [1, 4])
        #expect(found.map(\.text) == ["{\"a\":1}", "{\"b\":2}"])
    }

    @Test("a body cuts into the same events however it is fed", arguments: [1, 2, 3, 7, 64, 1000])
    func pieces(size: Int) throws {
        #expect(
            try texts("{\"a\":\"x}\\\"\"}\n{bad\n{\"b\":[1,{\"c\":2}]}\n", pieces: size) == [
                "{\"a\":\"x}\\\"\"}", "{bad", "{\"b\":[1,{\"c\":2}]}",
            ])
        #expect(
            try texts(" [ {\"a\":\"]\"} , 12 ,\"s\\\"]\", [1,[2]] ] ", pieces: size) == ["{\"a\":\"]\"}", "12", "\"s\\\"]\"", "[1,[2]]"])
        #expect(try texts("{\n  \"a\": {\n \"b\": 1}\n}\n", pieces: size) == ["{\n  \"a\": {\n \"b\": 1}\n}"])
        let wrapped = "{\"v\":{\"Records\":[0]},\"Records\" : [{\"a\":1},{\"b\":2}],\"more\":[1]}"
        #expect(try texts(wrapped, recordsKey: "Records", pieces: size) == ["{\"a\":1}", "{\"b\":2}"])
    }

    @Test("an object without the wrapper's key is an event itself")
    func bareRecord() throws {
        #expect(try texts("{\"a\":1}", recordsKey: "Records") == ["{\"a\":1}"])
        #expect(try texts("{\"a\":1}\n{\"b\":2}\n", recordsKey: "Records") == ["{\"a\":1}", "{\"b\":2}"])
    }

    @Test("one object over several lines is one event, several of them are several")
    func indented() throws {
        #expect(try texts("{\n\"a\":1\n}\n{\n\"b\":2\n}") == ["{\n\"a\":1\n}", "{\n\"b\":2\n}"])
    }

    @Test("a broken first line does not take its neighbours along")
    func brokenFirstLine() throws {
        #expect(try texts("{\"a\":\"open\n{\"b\":2}\n{\"c\":3}\n") == ["{\"a\":\"open", "{\"b\":2}", "{\"c\":3}"])
    }

    @Test(
        "commas are taken strictly and the place is named",
        arguments: ["[1,]", "[,1]", "[1 2]", "[1", "[1,", "[{\"a\":1}", "[1] 2", "[}", "["])
    func strictCommas(body: String) throws {
        let found = try split(Array(body.utf8))
        let fault = try #require(found.last?.fault)
        #expect(fault.contains("at byte"))
        #expect(found.dropLast().allSatisfy { $0.fault == nil })
    }

    @Test("an empty array and an empty wrapper hold no events")
    func empty() throws {
        #expect(try texts("[]").isEmpty)
        #expect(try texts("{\"Records\":[]}", recordsKey: "Records").isEmpty)
    }

    @Test("a line that is too long is refused by itself, whatever its length, in bounded memory", arguments: [300_000, 5_000_000])
    func overlong(length: Int) throws {
        let body = Array("{\"a\":1}\n{\"b\":\"".utf8) + [UInt8](repeating: 0x78, count: length) + Array("\"}\n{\"c\":3}\n".utf8)
        let found = try split(body, framing: .lines, pieces: 10_000)
        #expect(found.map(\.line) == [1, 2, 3])
        #expect(found[0].fault == nil && found[2].fault == nil)
        #expect(found[1].fault?.contains("\(length + 8) bytes") == true)
        #expect(found[1].text.utf8.count == BodySplitter.overlongBytesKept)
    }

    @Test("an array's element that is too long is refused by itself")
    func overlongElement() throws {
        let body = Array("[{\"a\":1},\"".utf8) + [UInt8](repeating: 0x78, count: 400_000) + Array("\",3]".utf8)
        let found = try split(body, pieces: 10_000)
        #expect(found.map { $0.fault == nil } == [true, false, true])
    }

    @Test(
        "byte order marks are refused with a word about it",
        arguments: [[0xEF, 0xBB, 0xBF, 0x7B, 0x7D], [0xFF, 0xFE, 0x7B, 0x00]] as [[UInt8]])
    func byteOrderMark(body: [UInt8]) {
        #expect { try split(body) } throws: { ($0 as? Problem)?.detail.contains("byte order mark") == true }
    }

    @Test("slices are bounded by events and bytes, and nothing is lost between them")
    func slices() throws {
        let body = Array((0..<7000).map { "{\"n\":\($0)}\n" }.joined().utf8)
        let found = try split(body, framing: .lines)
        #expect(found.map(\.text) == (0..<7000).map { "{\"n\":\($0)}" })
        #expect(found.map(\.line) == Array(1...7000))
    }
}
