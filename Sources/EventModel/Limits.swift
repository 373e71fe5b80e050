/// Every bound on what Daybook takes in, each with its reason. Nothing else in the code invents a limit on input.
public enum Limits {
    /// One event, as the producer sent it and as its canonical line. Audit events with full before and after
    /// states stay far below; larger ones are documents and belong in object storage with a link here.
    public static let eventBytes = 256 * 1024

    /// Objects and arrays within one another. Real events stay under 12; a bound keeps every walk's stack small.
    public static let depth = 32

    /// One request body after decompression: about 130,000 usual events, a minute of one busy producer.
    public static let bodyBytes = 64 * 1024 * 1024

    /// simdjson reads whole vectors, so this many bytes behind a document must be readable.
    public static let parserPadding = 64

    /// Members of one object. Checking for duplicate keys compares every unknown key with the others.
    public static let objectMembers = 1024

    /// A tenant's name becomes a folder name and a term: letters, digits, `-`, `_`, `.`; not starting with a dot.
    public static let tenantBytes = 64

    /// A kind's name, as registered by a pipeline.
    public static let kindBytes = 64

    /// The producer's own id for an event, the deduplication key together with tenant and producer.
    public static let originalIDBytes = 256

    /// 18 bits of an event's id name its tenant (see ``EventID``).
    public static let tenants = 1 << 18

    /// 44 bits of an event's id hold its global position: 55 years at 10,000 events a second.
    public static let positions: UInt64 = 1 << 44

    /// Years that RFC 3339 can write with four digits and that a signed 64-bit millisecond count holds with ease.
    public static let years = 1...9999
}
