import EventModel
import Journal

/// What became of a request, as DESIGN 8 writes it.
public struct IngestAnswer: Sendable {
    public var accepted = 0
    public var duplicates = 0
    public var rejectedCount = 0
    /// In order of lines; the first ``largestRejectionList`` of them.
    public var rejections: [Rejection] = []
    public var receipts: [TenantReceipt] = []
    /// Index of each tenant's last receipt; empty until a second batch asks for it, since most requests have one.
    private var lastReceipt: [String: Int] = [:]
    /// Why the request ended early, if it did: full queue, full disk, body too large or damaged.
    public var problem: Problem?
    /// Where to go on after `problem`: everything before this line was answered.
    public var firstLineNotTaken: Int?

    /// A client that got a thousand refusals has a systematic mistake and needs no more; the count stays exact.
    public static let largestRejectionList = 1000

    public init() {}

    /// 200 all, 207 some, 400 none because nothing could be read, 403 none because the key may not, 422 none.
    public var status: Int {
        if let problem { return problem.status }
        if rejectedCount == 0 { return 200 }
        if accepted + duplicates > 0 { return 207 }
        if rejections.allSatisfy({ $0.code == .forbidden }) { return 403 }
        return rejections.allSatisfy({ Self.unreadable.contains($0.code) }) ? 400 : 422
    }

    private static let unreadable: [Rejection.Code] = [.invalidJSON, .duplicateKey, .tooDeep, .numberRange]

    mutating func reject(_ rejection: Rejection) {
        rejectedCount += 1
        if rejections.count < Self.largestRejectionList { rejections.append(rejection) }
    }

    /// Receipts of one batch, one a tenant. Ranges of one tenant that follow each other become one.
    mutating func add(_ batch: [TenantReceipt]) {
        guard !receipts.isEmpty else {
            receipts = batch
            return
        }
        if lastReceipt.isEmpty { for (index, receipt) in receipts.enumerated() { lastReceipt[receipt.tenant] = index } }
        for receipt in batch {
            if let index = lastReceipt[receipt.tenant], receipts[index].lastSeq + 1 == receipt.firstSeq {
                receipts[index].lastSeq = receipt.lastSeq
            } else {
                lastReceipt[receipt.tenant] = receipts.count
                receipts.append(receipt)
            }
        }
    }

    /// The answer's problem, made up from the rejections where nothing was taken.
    private var shownProblem: Problem? {
        if let problem { return problem }
        guard status >= 400 else { return nil }
        let first = rejections.first
        let detail = "none of \(rejectedCount) events was taken; line \(first?.line ?? 1): \(first?.message ?? "")"
        return Problem(status, status == 400 ? "bad-body" : status == 403 ? "forbidden" : "no-event-taken", detail)
    }

    public var isProblem: Bool { shownProblem != nil }

    /// JSON; a problem document with the same members beside its own where ``isProblem``.
    public var bytes: [UInt8] {
        var json = JSONBytes()
        json.reserve(128 + rejections.count * 160 + receipts.count * 80)
        json.object { json in
            shownProblem?.writeMembers(to: &json)
            json.member("accepted", accepted)
            json.member("duplicates", duplicates)
            json.key("rejected")
            json.array { json in for rejection in rejections { Self.write(rejection, to: &json) } }
            if rejectedCount > rejections.count { json.member("rejected_count", rejectedCount) }
            json.key("receipts")
            json.array { json in for receipt in receipts { Self.write(receipt, to: &json) } }
            if let firstLineNotTaken { json.member("first_line_not_taken", firstLineNotTaken) }
        }
        return json.bytes
    }

    private static func write(_ rejection: Rejection, to json: inout JSONBytes) {
        json.object { json in
            json.member("line", rejection.line)
            json.member("field", rejection.field)
            json.member("code", rejection.code.rawValue)
            json.member("message", rejection.message)
        }
    }

    private static func write(_ receipt: TenantReceipt, to json: inout JSONBytes) {
        json.object { json in
            json.member("tenant", receipt.tenant)
            json.member("first_seq", receipt.firstSeq)
            json.member("last_seq", receipt.lastSeq)
        }
    }
}
