import EventModel

/// What a program consists of, while it is compiled, and the memory that it lies in afterwards.
final class ProgramMemory: @unchecked Sendable {
    // Unchecked: only the compiler changes it, before anybody else sees it.
    var conditions: [UnsafeBufferPointer<Condition>] = []
    var templates: [Template] = []
    var translations: [Translation] = []
    var classifications: [Classification] = []
    var splittings: [Splitting] = []
    var matches: [Matching] = []
    var times: [TimeReading] = []
    var requirements: [Requirement] = []
    var allowances: [Allowance] = []
    private var owned: [UnsafeMutableRawBufferPointer] = []

    deinit {
        for buffer in owned { buffer.deallocate() }
    }

    func program(_ instructions: [Instruction]) -> Program {
        Program(
            instructions: keep(instructions), conditions: keep(conditions), templates: keep(templates), translations: keep(translations),
            classifications: keep(classifications), splittings: keep(splittings), matches: keep(matches), times: keep(times),
            requirements: keep(requirements), allowances: keep(allowances))
    }

    /// A list that lives as long as the program.
    func keep<Element: BitwiseCopyable>(_ list: [Element]) -> UnsafeBufferPointer<Element> {
        let copy = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, list.count * MemoryLayout<Element>.stride), alignment: MemoryLayout<Element>.alignment)
        owned.append(copy)
        let elements = copy.bindMemory(to: Element.self)
        _ = elements.initialize(from: list)
        return UnsafeBufferPointer(rebasing: elements[0..<list.count])
    }

    /// A literal whose bytes live as long as the program, padded as ``EventTree/makeConstant(_:shape:isPlain:)`` wants them.
    func literal(_ text: String, shape: EventTree.Shape = .string) -> Literal {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count + EventTree.textPadding, alignment: 8)
        copy.initializeMemory(as: UInt8.self, repeating: 0)
        copy.copyBytes(from: text.utf8)
        owned.append(copy)
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        return Literal(shape: shape, isPlain: isPlain, text: UnsafeRawBufferPointer(rebasing: copy[0..<text.utf8.count]))
    }
}
