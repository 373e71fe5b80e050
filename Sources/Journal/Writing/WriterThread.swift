import CLinux
import Glibc
import Synchronization

/// The writer's own thread: it blocks in fdatasync, which no thread of the cooperative pool may do.
final class WriterThread: Sendable {
    private struct Ending {
        var hasEnded = false
        var waiting: [UnsafeContinuation<Void, Never>] = []
    }

    private let ending = Mutex(Ending())

    func start(_ writer: JournalWriter) {
        let work = Unmanaged.passRetained(Work(writer: writer, thread: self))
        var thread = pthread_t()
        let refusal = pthread_create(
            &thread, nil,
            { argument in
                // Seen in top, perf and the bench's figures by stage.
                clinux_name_thread("journal")
                let work = Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue()
                work.writer.run()
                work.thread.end()
                return nil
            }, work.toOpaque())
        precondition(refusal == 0, "no thread for the journal: \(FileFault.text(refusal))")
        pthread_detach(thread)
    }

    /// Returns when the writer has ended.
    func join() async {
        await withUnsafeContinuation { continuation in
            let hasEnded = ending.withLock { ending in
                if !ending.hasEnded { ending.waiting.append(continuation) }
                return ending.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    private func end() {
        let waiting = ending.withLock { ending in
            ending.hasEnded = true
            defer { ending.waiting = [] }
            return ending.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    private final class Work {
        let writer: JournalWriter
        let thread: WriterThread

        init(writer: JournalWriter, thread: WriterThread) {
            self.writer = writer
            self.thread = thread
        }
    }
}
