import Testing

@testable import EventModel

@Suite("SymbolTable")
struct SymbolTableTests {
    @Test("canonical names have the numbers of the schema, in any table")
    func canonical() {
        let table = SymbolTable(names: ["zebra", "actor"])
        for (index, name) in CanonicalSchema.names.enumerated() {
            #expect(table.symbol(name) == Symbol(UInt16(index + 1)))
            #expect(table.symbol(name) == CanonicalSchema.symbol(name))
        }
        for (index, name) in CanonicalSchema.rootNames.enumerated() { #expect(table.symbol(name).number == index + 1) }
        #expect(table.count == CanonicalSchema.names.count + 2)
    }

    @Test("every name is found again among thousands, doubles share a number, strangers are unknown")
    func many() {
        let names = (0..<5000).map { "field_\($0)" }
        let table = SymbolTable(names: names + names + [""])
        #expect(table.count == CanonicalSchema.names.count + 1 + names.count)
        for name in names {
            let symbol = table.symbol(name)
            #expect(symbol != .unknown && table.name(symbol) == name)
        }
        for name in ["", "field_", "field_5000", "Actor", "actor ", "acto", "actors"] { #expect(table.symbol(name) == .unknown, "\(name)") }
    }

    @Test("names are told apart by their bytes, not by how they look")
    func normalisation() {
        let table = SymbolTable(names: ["\u{E9}", "e\u{301}"])
        #expect(table.symbol("\u{E9}") != .unknown)
        #expect(table.symbol("e\u{301}") != .unknown)
        #expect(table.symbol("\u{E9}") != table.symbol("e\u{301}"))
    }
}
