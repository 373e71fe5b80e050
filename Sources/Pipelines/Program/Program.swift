import EventModel

/// A pipeline's steps, compiled once: a flat list of instructions over the symbols of one table, and the tables they
/// name. Plain bits, so that running it counts no references and asks for no exclusive access; everything lies in the
/// ``ProgramMemory`` that the pipeline holds beside it.
struct Program: BitwiseCopyable {
    var instructions: UnsafeBufferPointer<Instruction>
    var conditions: UnsafeBufferPointer<UnsafeBufferPointer<Condition>>
    var templates: UnsafeBufferPointer<Template>
    var translations: UnsafeBufferPointer<Translation>
    var classifications: UnsafeBufferPointer<Classification>
    var splittings: UnsafeBufferPointer<Splitting>
    var matches: UnsafeBufferPointer<Matching>
    var times: UnsafeBufferPointer<TimeReading>
    var requirements: UnsafeBufferPointer<Requirement>
    var allowances: UnsafeBufferPointer<Allowance>
}

// What the pointers lead to is filled before a program is shared and never written again.
extension Program: @unchecked Sendable {}
