import EventModel

/// A pipeline's steps, compiled once: a flat list of instructions over the symbols of one table, and the tables they
/// name. Immutable and shared by every normaliser.
final class Program: @unchecked Sendable {
    // Unchecked: literals point into buffers that are filled before the program is shared and freed in `deinit`.
    var instructions = UnsafeBufferPointer<Instruction>(start: nil, count: 0)
    var conditions: ContiguousArray<UnsafeBufferPointer<Condition>> = []
    var templates: ContiguousArray<Template> = []
    var translations: ContiguousArray<Translation> = []
    var classifications: ContiguousArray<Classification> = []
    var splittings: ContiguousArray<Splitting> = []
    var matches: ContiguousArray<Matching> = []
    var times: ContiguousArray<TimeReading> = []
    var requirements: ContiguousArray<Requirement> = []
    var allowances: ContiguousArray<Allowance> = []
    private var owned: [UnsafeMutableRawBufferPointer] = []

    deinit {
        for buffer in owned { buffer.deallocate() }
    }

    /// A list that lives as long as the program. Its elements are plain bits, so a program is walked without counting
    /// references, which would cost more than most of its steps.
    func keep<Element: BitwiseCopyable>(_ list: [Element]) -> UnsafeBufferPointer<Element> {
        let copy = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, list.count * MemoryLayout<Element>.stride), alignment: MemoryLayout<Element>.alignment)
        owned.append(copy)
        let elements = copy.bindMemory(to: Element.self)
        _ = elements.initialize(from: list)
        return UnsafeBufferPointer(rebasing: elements[0..<list.count])
    }

    /// A literal whose bytes live as long as the program.
    func literal(_ text: String, shape: EventTree.Shape = .string) -> Literal {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, text.utf8.count), alignment: 1)
        copy.copyBytes(from: text.utf8)
        owned.append(copy)
        return Literal(shape: shape, text: UnsafeRawBufferPointer(rebasing: copy[0..<text.utf8.count]))
    }
}
