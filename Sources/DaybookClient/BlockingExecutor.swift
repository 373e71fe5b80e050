import Dispatch

/// Runs an actor's work on a queue of its own, whose thread may block for as long as the network takes. The threads
/// that Swift tasks share are few, one for each core, and must not.
final class BlockingExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "daybook.client")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
