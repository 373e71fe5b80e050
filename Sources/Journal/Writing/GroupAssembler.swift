import CChecksum
import EventModel
import Glibc

/// Turns waiting batches into one frame: decides what is new, numbers it, and lays lines and table out in two buffers
/// that go to the disk with one write.
///
/// The lines' buffer is the one the followers get, the head's is used again for every group. An event costs a copy of
/// its body, a few stores and its share of the checksum; nothing is allocated for it. Only the writer's thread comes here.
final class GroupAssembler {
    struct Group {
        /// One a request, in order.
        var answers: [Result<Receipt, JournalError>] = []
        /// `nil` when there is nothing new to write.
        var batch: CommittedBatch?
        var duplicates = 0
        var conflicts = 0
        /// Tenants that are on disk once this group is.
        var namedTenants: Int
    }

    private let tenants: TenantDirectory
    private let identities: any IdentityIndex
    private let node: UInt16
    /// By tenant's number.
    private(set) var lastSeq: [UInt64]
    private var undo: [(tenant: UInt32, lastSeq: UInt64)] = []
    private var undoneIn: [UInt64]
    private var groupNumber: UInt64 = 0
    private var pending = PendingIdentities()
    private var numbers: [UInt32] = []
    private var spans: [(first: UInt64, last: UInt64)] = []
    private var questions: [IdentityQuestion] = []
    private var headBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    private var headLength = 0
    /// Of the request that is being placed: its events cannot be told from known ones.
    private var refusal: JournalError?

    init(tenants: TenantDirectory, lastSeq: [UInt64], identities: any IdentityIndex, node: UInt16) {
        self.tenants = tenants
        self.lastSeq = lastSeq
        self.identities = identities
        self.node = node
        undoneIn = [UInt64](repeating: 0, count: lastSeq.count)
    }

    deinit { headBuffer.deallocate() }

    /// Header, names and table of the group assembled last; valid until the next.
    var head: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: headBuffer[..<headLength]) }

    func assemble(_ requests: [AppendRequest], position: UInt64, received: Timestamp, namedTenants: Int) -> Group {
        var refusals = resolveTenants(requests)
        while true {
            let group = assemble(requests, &refusals, position: position, received: received, namedTenants: namedTenants)
            if let group { return group }
            // One request more is refused; the others are laid out again without it.
            rollBack()
        }
    }

    /// `nil` when a request was added to `refusals`.
    private func assemble(
        _ requests: [AppendRequest], _ refusals: inout [Int: JournalError]?, position: UInt64, received: Timestamp, namedTenants: Int
    ) -> Group? {
        groupNumber += 1
        undo.removeAll(keepingCapacity: true)
        let events = requests.reduce(0) { $0 + $1.batch.events.count }
        let bytes = requests.reduce(0) { $0 + $1.batch.bodies.count } + events * (LinePrefix.maxLength + 1)
        pending.begin(events)
        refusal = nil
        var refused: Int?
        var group = Group(namedTenants: tenants.count)
        let names = encodedNames(from: namedTenants, to: group.namedTenants)
        let tableOffset = FrameHeader.length + names.count
        reserveHead(tableOffset + events * FrameHeader.eventLength)
        UnsafeMutableRawBufferPointer(rebasing: headBuffer[FrameHeader.length...]).copyBytes(from: names)

        var committed: [CommittedEvent] = []
        let lines = [UInt8](unsafeUninitializedCapacity: bytes) { lines, length in
            committed = [CommittedEvent](unsafeUninitializedCapacity: events) { table, count in
                var layout = Layout(
                    lines: lines, events: table, table: headBuffer.baseAddress! + tableOffset, position: position, received: received,
                    node: node)
                var firstTenant = 0
                for (index, request) in requests.enumerated() {
                    if let refusal = refusals?[index] {
                        group.answers.append(.failure(refusal))
                    } else {
                        group.answers.append(.success(place(request.batch, firstTenant: firstTenant, &layout, &group)))
                        if refusal != nil {
                            refused = index
                            break
                        }
                    }
                    firstTenant += request.batch.tenants.count
                }
                length = layout.length
                count = layout.count
            }
        }
        if let refused, let refusal {
            refusals = (refusals ?? [:]).merging([refused: refusal]) { old, _ in old }
            return nil
        }
        guard !committed.isEmpty else { return group }
        seal(
            FrameHeader(
                events: committed.count, firstPosition: position, received: received.milliseconds, firstNamedTenant: UInt32(namedTenants),
                namedTenants: group.namedTenants - namedTenants, namesLength: names.count, linesLength: lines.count), lines)
        group.batch = CommittedBatch(firstPosition: position, received: received.milliseconds, lines: lines, events: committed)
        return group
    }

    /// As it was before the last group.
    var committedLastSeq: [UInt64] {
        var before = lastSeq
        for entry in undo { before[Int(entry.tenant)] = entry.lastSeq }
        return before
    }

    /// Takes the numbers back that the last group was given: it did not get to the disk.
    func rollBack() {
        for entry in undo { lastSeq[Int(entry.tenant)] = entry.lastSeq }
        undo.removeAll(keepingCapacity: true)
    }

    /// Fills `numbers` with those of all requests' tenants, one request's behind the other's. The answer names the
    /// requests that cannot be taken; `nil`: none.
    private func resolveTenants(_ requests: [AppendRequest]) -> [Int: JournalError]? {
        var refusals: [Int: JournalError]?
        numbers.removeAll(keepingCapacity: true)
        for (index, request) in requests.enumerated() {
            for name in request.batch.tenants {
                let number = tenants.register(name)
                if number == nil { refusals = (refusals ?? [:]).merging([index: .tooManyTenants(limit: Limits.tenants)]) { old, _ in old } }
                numbers.append(number ?? 0)
            }
        }
        while lastSeq.count < tenants.count {
            lastSeq.append(0)
            undoneIn.append(0)
        }
        return refusals
    }

    private func encodedNames(from first: Int, to end: Int) -> [UInt8] {
        guard first < end else { return [] }
        var bytes: [UInt8] = []
        for name in tenants.names[first..<end] {
            bytes.append(littleEndian: UInt16(name.utf8.count))
            bytes.append(contentsOf: name.utf8)
        }
        return bytes
    }

    private func reserveHead(_ count: Int) {
        guard count > headBuffer.count else { return }
        headBuffer.deallocate()
        headBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count * 2, alignment: 64)
    }

    /// Header and checksum over all behind it.
    private func seal(_ header: FrameHeader, _ lines: [UInt8]) {
        headLength = header.linesOffset
        header.write(to: headBuffer.baseAddress!)
        var checksum = cchecksum_crc32c(0, headBuffer.baseAddress! + 8, headLength - 8)
        checksum = lines.withUnsafeBytes { cchecksum_crc32c(checksum, $0.baseAddress, $0.count) }
        headBuffer.baseAddress!.put(checksum, at: 4)
    }

    /// Numbers one batch's events and answers for them.
    private func place(_ batch: NormalisedBatch, firstTenant: Int, _ layout: inout Layout, _ group: inout Group) -> Receipt {
        spans.removeAll(keepingCapacity: true)
        for _ in batch.tenants { spans.append((0, 0)) }
        let outcomes = batch.bodies.withUnsafeBytes { bodies in
            let answers = ask(batch, bodies, firstTenant: firstTenant)
            var answer = 0
            return [Outcome](unsafeUninitializedCapacity: batch.events.count) { outcomes, count in
                for (index, event) in batch.events.enumerated() {
                    let body = UnsafeRawBufferPointer(rebasing: bodies[Int(event.offset)..<Int(event.offset) + Int(event.length)])
                    let tenant = numbers[firstTenant + Int(event.tenant)]
                    var match = IdentityMatch.unknown
                    if answer < answers.count, answers[answer].event == index {
                        match = answers[answer].match
                        answer += 1
                    }
                    let outcome = place(event, body, tenant, match, &layout)
                    switch outcome {
                    case .accepted(let seq):
                        if spans[Int(event.tenant)].first == 0 { spans[Int(event.tenant)].first = seq }
                        spans[Int(event.tenant)].last = seq
                    case .duplicate: group.duplicates += 1
                    case .conflict: group.conflicts += 1
                    }
                    (outcomes.baseAddress! + count).initialize(to: outcome)
                    count += 1
                }
            }
        }
        var receipts: [TenantReceipt] = []
        for (index, span) in spans.enumerated() where span.first != 0 {
            receipts.append(TenantReceipt(tenant: batch.tenants[index], firstSeq: span.first, lastSeq: span.last))
        }
        return Receipt(outcomes: outcomes, tenants: receipts)
    }

    /// What the stores know of a batch. Asked for all of it at once: no event of the group gets to a store meanwhile, and
    /// what the group itself holds is `pending`.
    private func ask(_ batch: NormalisedBatch, _ bodies: UnsafeRawBufferPointer, firstTenant: Int) -> [IdentityAnswer] {
        questions.removeAll(keepingCapacity: true)
        for (index, event) in batch.events.enumerated() {
            let end = Int(event.offset) + Int(event.length)
            precondition(end <= bodies.count && Int(event.tenant) < spans.count, "an event points outside its batch")
            guard event.identity != 0 else { continue }
            let content = UnsafeRawBufferPointer(rebasing: bodies[min(Int(event.offset) + Int(event.contentOffset), end)..<end])
            questions.append(
                IdentityQuestion(
                    event: index, identity: event.identity, tenant: numbers[firstTenant + Int(event.tenant)], content: content))
        }
        return questions.isEmpty ? [] : identities.look(questions)
    }

    @inline(__always)
    private func place(
        _ event: NormalisedEvent, _ body: UnsafeRawBufferPointer, _ tenant: UInt32, _ match: IdentityMatch, _ layout: inout Layout
    ) -> Outcome {
        if event.identity != 0 {
            if let known = pending.find(event.identity, matches: { layout.events[$0].tenant == tenant }) {
                let content = UnsafeRawBufferPointer(rebasing: body[min(Int(event.contentOffset), body.count)...])
                let seq = layout.events[known].seq
                return layout.line(known, endsIn: content) ? .duplicate(seq: seq) : .conflict(seq: seq)
            }
            switch match {
            case .unknown: pending.insert(event.identity, event: layout.count)
            case .duplicate(let seq): return .duplicate(seq: seq)
            case .conflict(let seq): return .conflict(seq: seq)
            case .unavailable(let reason):
                refusal = .io(path: reason, operation: "confirming an original_id", errno: EIO)
                return .duplicate(seq: 0)
            }
        }
        let number = Int(tenant)
        if undoneIn[number] != groupNumber {
            undoneIn[number] = groupNumber
            undo.append((tenant, lastSeq[number]))
        }
        lastSeq[number] += 1
        layout.add(event, body, tenant: tenant, seq: lastSeq[number])
        return .accepted(seq: lastSeq[number])
    }
}
