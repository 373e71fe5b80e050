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

    @Test("a line of the largest size is taken with any line end, wherever it is cut", arguments: ["\n", "\r\n", ""])
    func largestLine(end: String) throws {
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: Limits.eventBytes)
        let body = line + Array(end.utf8) + Array("{}".utf8)
        for pieces in [line.count - 1, line.count, line.count + 1, line.count + 2] {
            let found = try split(end.isEmpty ? line : body, framing: .lines, pieces: pieces)
            #expect(found.allSatisfy { $0.fault == nil } && found[0].text.utf8.count == line.count, "\(pieces)")
            let longer = try split([UInt8(ascii: "x")] + line + Array(end.utf8), framing: .lines, pieces: pieces)
            // One that came whole is left to the normaliser.
            let isWhole = longer[0].text.utf8.count == line.count + 1
            #expect(longer.count == 1 && isWhole != (longer[0].fault?.contains("more than the limit") == true), "\(pieces)")
        }
    }

    @Test("lines have the same numbers as application/json and as lines, blank ones before them included")
    func detectedLines() throws {
        let body = Array("\n \n{\"a\":1}\n\n{bad\n".utf8)
        #expect(try split(body).map(\.line) == [3, 5])
        #expect(try split(body).map(\.line) == split(body, framing: .lines).map(\.line))
        #expect(try split(body, recordsKey: "Records").map(\.line) == [3, 5])
        #expect(try split(Array("\n\n{\"Records\":[{},{}]}".utf8), recordsKey: "Records").map(\.line) == [1, 2])
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

    @Test("behind a whole first line a broken one does not take its neighbours along")
    func brokenLine() throws {
        #expect(try texts("{\"a\":1}\n{\"b\":\"open\n{\"c\":3}\n") == ["{\"a\":1}", "{\"b\":\"open", "{\"c\":3}"])
    }

    @Test("a broken object over several lines is one event, whatever stands inside it", arguments: [1, 7, 1000])
    func brokenIndented(size: Int) throws {
        let open = "{\n\"a\":1,\n\"items\":[\n{\"b\":2},\n{\"c\":3}\n],\n"
        #expect(try texts(open, pieces: size) == [open])
        #expect(try texts(open, recordsKey: "Records", pieces: size) == [open])
        let closedEarly = try split(Array("{\n\"a\":1\n}\n,\"items\":[\n{\"b\":2}\n]}".utf8), pieces: size)
        #expect(closedEarly.count == 2)
        #expect(closedEarly[1].fault?.contains("from byte 10 of the body on") == true)
    }

    @Test("an object over several lines that is too long is refused once, and what follows it is taken", arguments: [nil, "Records"])
    func overlongIndented(recordsKey: String?) throws {
        let inner = (0..<20_000).map { "{\"n\":\($0),\"s\":\"xxxxxxxx\"}" }.joined(separator: ",\n")
        let found = try split(Array("{\n\"items\":[\n\(inner)\n]}\n{\"b\":2}\n".utf8), recordsKey: recordsKey, pieces: 10_000)
        #expect(found.count == 2)
        #expect(found[0].fault?.contains("more than the limit") == true)
        #expect(found[1].text == "{\"b\":2}" && found[1].fault == nil)
    }

    @Test(
        "the object around an array is checked as a whole",
        arguments: [
            #"{"Records":[1],"Records":[2,3]}"#, #"{"Records":[1] "bad" : }"#, #"{"Records":[1],}"#, #"{"Records":[1],"a":tru}"#,
            #"{"Records":[1]]"#, #"{"a" "Records":[1]}"#, #"{"Records":[1]"#, #"{"Records":[1]}{"Records":[2]}"#,
            #"{"Records":[1],"more":"\#(String(repeating: "x", count: 300_000))"}"#,
        ])
    func brokenWrapper(body: String) throws {
        for size in [1000, 64 << 10] {
            let found = try split(Array(body.utf8), recordsKey: "Records", pieces: size)
            #expect(found.map { $0.fault == nil } == [true, false])
            #expect(found[1].fault?.contains("of the body on was taken") == true)
        }
    }

    @Test("a broken array says from which byte of the body on nothing was taken, across slices, too")
    func brokenArrayPlace() throws {
        let good = (0..<5000).map { "{\"n\":\($0)}" }.joined(separator: ",")
        let found = try split(Array("[\(good),,{\"n\":1},{\"n\":2}]".utf8), pieces: 5000)
        #expect(found.count == 5001)
        #expect(found.last?.fault?.contains("from byte \(good.utf8.count + 2) of the body on") == true)
    }

    @Test("a JSON body of nothing but white space is refused")
    func whiteSpace() {
        #expect { try split(Array(" \r\n\t\n".utf8)) } throws: { ($0 as? Problem)?.detail.contains("white space") == true }
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
