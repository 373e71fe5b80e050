import Foundation

/// Which service, which bucket, whose key. ``check()`` says what is wrong before anything is asked.
package struct ObjectStorageSettings: Sendable, Equatable {
    /// Where the bucket's name stands in an address.
    package enum Addressing: String, Sendable, CaseIterable {
        /// `https://HOST/BUCKET/KEY`: every service of one's own, such as Ceph or MinIO.
        case path
        /// `https://BUCKET.HOST/KEY`: what Amazon asks for with new buckets.
        case virtualHost = "host"
    }

    /// `https://s3.eu-central-1.amazonaws.com`, `http://127.0.0.1:9000`; a path behind the host is kept.
    package var endpoint: String
    package var region = "us-east-1"
    package var bucket: String
    /// Put before every key; empty, or `daybook/`: ends in a slash.
    package var prefix = ""
    package var addressing = Addressing.path
    package var credentials: ObjectStorageCredentials
    /// PEM file of the authorities that may sign the service's certificate; `nil`: the system's.
    package var authorities: String?

    package var connectTimeout: Duration = .seconds(10)
    /// A transfer in which no byte moves for this long is given up and tried again.
    package var stallTimeout: Duration = .seconds(30)
    /// Attempts of one request within a moment, before the queue puts the whole object off.
    package var attempts = 4
    /// Files larger than this are sent in parts of this size. A part that fails is sent again whole; S3 takes 5 MiB to
    /// 5 GiB and 10,000 parts (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
    package var partBytes = 16 << 20
    /// Days that keep their events file here although it is stored remotely; `nil`: for ever.
    package var localDays: Int?

    package init(endpoint: String, bucket: String, credentials: ObjectStorageCredentials) {
        self.endpoint = endpoint
        self.bucket = bucket
        self.credentials = credentials
    }

    /// A setting that cannot work: its key, and why.
    package struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
        package var key: String
        package var reason: String
        package var description: String { "\(key): \(reason)" }

        package init(key: String, reason: String) {
            self.key = key
            self.reason = reason
        }
    }

    /// Throws the first fault found. Asks nothing of the network.
    package func check() throws(Fault) {
        try checkEndpoint()
        guard !region.isEmpty, region.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "/") })
        else {
            throw Fault(key: "archive.objects.region", reason: "\"\(region)\" is not the name of a region, such as eu-central-1")
        }
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; other services take upper case too.
        let isName = bucket.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard (3...255).contains(bucket.utf8.count), isName else {
            throw Fault(
                key: "archive.objects.bucket",
                reason: "\"\(bucket)\" is not a bucket's name: three or more letters, digits, hyphens and dots, and no path")
        }
        guard prefix.isEmpty || (prefix.hasSuffix("/") && !prefix.hasPrefix("/") && prefix.utf8.count <= 256) else {
            throw Fault(key: "archive.objects.prefix", reason: "\"\(prefix)\" must end in / and not begin with it, such as daybook/")
        }
        guard !credentials.accessKey.isEmpty else {
            throw Fault(
                key: "archive.objects.access_key",
                reason: "it is missing; set it and archive.objects.secret_key, archive.objects.credentials_file, "
                    + "or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment")
        }
        guard !credentials.secretKey.isEmpty else {
            throw Fault(key: "archive.objects.secret_key", reason: "it is missing beside archive.objects.access_key")
        }
        if let authorities, !FileManager.default.isReadableFile(atPath: authorities) {
            throw Fault(key: "archive.objects.ca_file", reason: "\(authorities) cannot be read")
        }
        guard (5 << 20...1 << 30).contains(partBytes) else {
            throw Fault(key: "archive.objects.part_bytes", reason: "parts must have 5 MiB to 1 GiB")
        }
        if let localDays, localDays < 1 {
            throw Fault(key: "archive.local_days", reason: "it must be at least 1; leave it out to keep every day")
        }
    }

    private func checkEndpoint() throws(Fault) {
        let key = "archive.objects.endpoint"
        guard let url = URLComponents(string: endpoint), let host = url.host, !host.isEmpty, ["http", "https"].contains(url.scheme ?? "")
        else {
            throw Fault(key: key, reason: "\"\(endpoint)\" is not an address such as https://s3.eu-central-1.amazonaws.com")
        }
        guard url.user == nil, url.query == nil, url.fragment == nil else {
            throw Fault(key: key, reason: "only scheme, host, port and path belong into it")
        }
        if addressing == .virtualHost, host.hasPrefix("[") || host.split(separator: ".").allSatisfy({ Int($0) != nil }) {
            throw Fault(key: "archive.objects.addressing", reason: "host needs an endpoint with a name; \(host) is a number")
        }
    }
}
