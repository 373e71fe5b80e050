import EventModel

/// What one step did to one input.
public struct PipelineExplanation: Sendable {
    /// Verb of the step.
    public var step: String
    /// Its line in the definition; 0 for what Daybook does by itself.
    public var line: Int
    /// `- place = value` and `+ place = value`; empty when the step changed nothing.
    public var effect: [String]
}

extension Pipeline {
    /// Runs one input step by step.
    ///
    /// - Returns: every step's effect, and the canonical line (without seq, id and received) or why the event is refused.
    public func explain(_ input: [UInt8], received: Timestamp, tenant: String? = nil) -> (
        steps: [PipelineExplanation], result: Result<String, Rejection>
    ) {
        var machine = Machine(PipelineSet(only: self))
        var explanations: [PipelineExplanation] = []
        let refusal: Rejection? = input.withPadding { padded in
            do throws(Rejection) {
                if takesText { try machine.tree.take(text: padded) } else { try machine.tree.parse(padded) }
                var before = FlatEvent(machine.tree)
                for (index, step) in steps.enumerated() {
                    try program.run(&machine.tree, received: received, onlyStep: index)
                    let after = FlatEvent(machine.tree)
                    explanations.append(PipelineExplanation(step: step.verb, line: step.line, effect: after.difference(from: before)))
                    before = after
                }
                var memory = KeyMemory()
                Redaction(patterns: patterns, paths: redactedPaths, symbols: symbols).apply(&machine.tree, &memory)
                explanations.append(PipelineExplanation(step: "redact", line: 0, effect: FlatEvent(machine.tree).difference(from: before)))
                return nil
            } catch {
                return error
            }
        }
        if let refusal { return (explanations, .failure(refusal)) }
        var batch = NormalisedBatch()
        let context = IngestContext(received: received, tenant: tenant)
        let rejection = input.withPadding {
            Normaliser(PipelineSet(only: self)).normalise($0, line: 1, pipeline: self, context: context, into: &batch)
        }
        if let rejection { return (explanations, .failure(rejection)) }
        return (explanations, .success("{" + String(decoding: batch.bodies, as: UTF8.self)))
    }
}
