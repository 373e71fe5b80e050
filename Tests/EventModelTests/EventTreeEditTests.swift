import Testing

@testable import EventModel

@Suite("EventTree edits")
struct EventTreeEditTests {
    private func read(_ text: String, names: [String] = ["a", "b", "c", "d", "message"]) throws -> EventReader {
        let reader = EventReader(symbols: SymbolTable(names: names))
        try reader.parse(text)
        return reader
    }

    private func expect(_ reader: EventReader, _ text: String) throws { #expect(reader.value() == (try StrictReader.read(text))) }

    @Test("a member is taken out from the front, the middle and the end, and its slot with it")
    func detach() throws {
        for (name, left) in [("a", #"{"b":2,"c":3}"#), ("b", #"{"a":1,"c":3}"#), ("c", #"{"a":1,"b":2}"#)] {
            for wrapped in [false, true] {
                let reader = try read(wrapped ? #"{"d":{"a":1,"b":2,"c":3}}"# : #"{"a":1,"b":2,"c":3}"#)
                let parent = wrapped ? reader.tree.child(of: .root, reader.symbol("d")) : .root
                let node = reader.tree.child(of: parent, reader.symbol(name))
                reader.tree.detach(node, from: parent)
                try expect(reader, wrapped ? "{\"d\":\(left)}" : left)
                #expect(!reader.tree.child(of: parent, reader.symbol(name)).exists)
                reader.tree.put(node, into: parent, as: reader.symbol(name))
                #expect(reader.tree.child(of: parent, reader.symbol(name)) == node)
                #expect(reader.children(of: parent).last == node)
            }
        }
    }

    @Test("the only member can be taken out and another put in")
    func lastMember() throws {
        let reader = try read(#"{"a":{"b":1}}"#)
        let parent = reader.tree.child(of: .root, reader.symbol("a"))
        reader.tree.detach(reader.tree.child(of: parent, reader.symbol("b")), from: parent)
        try expect(reader, #"{"a":{}}"#)
        reader.tree.put(reader.tree.makeString("x"), into: parent, as: reader.symbol("c"))
        try expect(reader, #"{"a":{"c":"x"}}"#)
    }

    @Test("putting replaces a member of that name and moves whole subtrees")
    func put() throws {
        let reader = try read(#"{"a":{"b":[1,{"c":null}]},"b":"old","c":3}"#)
        let a = reader.tree.child(of: .root, reader.symbol("a"))
        let inner = reader.tree.child(of: a, reader.symbol("b"))
        reader.tree.detach(inner, from: a)
        reader.tree.put(inner, into: .root, as: reader.symbol("b"))
        try expect(reader, #"{"a":{},"c":3,"b":[1,{"c":null}]}"#)
        #expect(reader.tree.child(of: .root, reader.symbol("b")) == inner)
    }

    @Test("slots of members that were put in or taken out do not show in the next event")
    func nextEvent() throws {
        let reader = try read(#"{"a":1}"#)
        reader.tree.put(reader.tree.makeString("x"), into: .root, as: reader.symbol("b"))
        reader.tree.put(reader.tree.makeEmpty(.object), into: .root, as: reader.symbol("c"))
        reader.tree.put(reader.tree.makeEmpty(.object), into: reader.tree.child(of: .root, reader.symbol("c")), as: reader.symbol("d"))
        let a = reader.tree.child(of: .root, reader.symbol("a"))
        reader.tree.detach(a, from: .root)
        reader.tree.put(a, into: reader.tree.child(of: .root, reader.symbol("c")), as: reader.symbol("a"))
        try reader.parse("{}")
        for name in ["a", "b", "c", "d"] { #expect(!reader.tree.child(of: .root, reader.symbol(name)).exists, "\(name)") }
    }

    @Test("a copy is deep and stands on its own")
    func copy() throws {
        let reader = try read(#"{"a":{"b":[1,{"c":"x\n"}],"unknown":true},"d":0}"#)
        let a = reader.tree.child(of: .root, reader.symbol("a"))
        let made = reader.tree.copy(a)
        reader.tree.put(made, into: .root, as: reader.symbol("b"))
        let b = reader.tree.child(of: a, reader.symbol("b"))
        reader.tree.detach(b, from: a)
        try expect(reader, #"{"a":{"unknown":true},"d":0,"b":{"b":[1,{"c":"x\n"}],"unknown":true}}"#)
    }

    @Test("text stays right while the scratch it lies in moves")
    func scratchGrowth() throws {
        let reader = try read(#"{"a":"seed \u0041"}"#)
        let a = reader.tree.child(of: .root, reader.symbol("a"))
        var expected = "seed A"
        for _ in 0..<12 {
            // Doubling: both pieces lie in the scratch that grows under them.
            let text = reader.tree.text(of: a)
            let start = reader.tree.beginText(bytes: text.count * 2)
            reader.tree.appendText(reader.tree.text(of: a))
            reader.tree.appendText(reader.tree.text(of: a))
            let joined = reader.tree.endText(start, isPlain: false)
            expected += expected
            #expect(reader.tree.string(of: joined) == expected)
            reader.tree.setString(a, reader.tree.text(of: joined))
            #expect(reader.tree.string(of: a) == expected)
        }
        let copied = reader.tree.makeString(reader.tree.text(of: a))
        #expect(reader.tree.string(of: copied) == expected)
    }

    @Test("thousands of nodes may be added to a small event")
    func arenaGrowth() throws {
        let reader = try read(#"{"a":[]}"#)
        let a = reader.tree.child(of: .root, reader.symbol("a"))
        for index in 0..<5000 {
            let object = reader.tree.makeEmpty(.object)
            reader.tree.put(reader.tree.makeString("v\(index)"), into: object, as: reader.symbol("b"))
            reader.tree.append(object, to: a)
        }
        let children = reader.children(of: a)
        #expect(children.count == 5000)
        for (index, child) in children.enumerated() where reader.value(of: child)["b"] != .text("v\(index)") {
            Issue.record("element \(index)")
        }
    }

    @Test("a value set anew loses what it held and is written escaped")
    func setString() throws {
        let reader = try read(#"{"a":{"b":1},"b":2}"#)
        let text = Array("q\"\n".utf8)
        for name in ["a", "b"] {
            text.withUnsafeBytes { reader.tree.setString(reader.tree.child(of: .root, reader.symbol(name)), $0) }
        }
        try expect(reader, #"{"a":"q\"\n","b":"q\"\n"}"#)
        #expect(reader.children(of: reader.tree.child(of: .root, reader.symbol("a"))).isEmpty)
    }
}
