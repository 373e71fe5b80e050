import Pipelines
import Synchronization

/// The pipelines in use and the normalisers that are idle. A slice borrows one for as long as it runs without
/// suspending, so there are never more than threads that run tasks.
final class NormaliserPool: Sendable {
    let pipelines: PipelineSet
    let deadLetterRedaction: DeadLetterRedaction
    private let idle = Mutex<[Idle]>([])

    /// Unchecked: a normaliser lies here only while nobody uses it, and leaves under the mutex to exactly one thread.
    private struct Idle: @unchecked Sendable { var normaliser: Normaliser }

    init(_ pipelines: PipelineSet) {
        self.pipelines = pipelines
        deadLetterRedaction = DeadLetterRedaction(pipelines)
    }

    func borrow<Result>(_ work: (Normaliser) -> Result) -> Result {
        let normaliser = idle.withLock { $0.popLast() }?.normaliser ?? Normaliser(pipelines)
        defer {
            let returned = Idle(normaliser: normaliser)
            idle.withLock { $0.append(returned) }
        }
        return work(normaliser)
    }
}
