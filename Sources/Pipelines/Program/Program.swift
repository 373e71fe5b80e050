import EventModel

/// A pipeline's steps, compiled once: a flat list of instructions over the symbols of one table, and the tables they
/// name. Immutable and shared by every normaliser.
final class Program: @unchecked Sendable {
    // Unchecked: literals point into buffers that are filled before the program is shared and freed in `deinit`.
    var instructions: ContiguousArray<Instruction> = []
    var conditions: ContiguousArray<[Condition]> = []
    var templates: ContiguousArray<Template> = []
    var translations: ContiguousArray<Translation> = []
    var classifications: ContiguousArray<Classification> = []
    var splittings: ContiguousArray<Splitting> = []
    var matches: ContiguousArray<(rules: [(pattern: TextPattern, assignments: [Assignment])], otherwise: [Assignment])> = []
    var times: ContiguousArray<TimeReading> = []
    var requirements: ContiguousArray<Requirement> = []
    var allowances: ContiguousArray<Allowance> = []
    private var owned: [UnsafeMutableRawBufferPointer] = []

    deinit {
        for buffer in owned { buffer.deallocate() }
    }

    /// A literal whose bytes live as long as the program.
    func literal(_ text: String, shape: EventTree.Shape = .string) -> Literal {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, text.utf8.count), alignment: 1)
        copy.copyBytes(from: text.utf8)
        owned.append(copy)
        return Literal(shape: shape, text: UnsafeRawBufferPointer(rebasing: copy[0..<text.utf8.count]))
    }
}
